package correlation

import "github.com/ttpcron/ttpcron"

// MaxReach is how far back a correlation may look in total.
const MaxReach = ttpcron.MaxTimespan
