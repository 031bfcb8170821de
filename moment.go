package ttpcron

// Moment identifies a state of a store between two transactions. At equal moments a store
// has the same content.
type Moment struct {
	Commit int    // number of the last transaction that changed the store
	Seq    uint64 // arrival number of the last event
}
