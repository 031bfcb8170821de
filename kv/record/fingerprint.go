package record

// Fingerprint is a checksum of a set of entries of an identity index. Two different sets
// have the same one by chance once in 2^64 cases; the hashes in the entries are keyed, so
// that nobody can choose them.
type Fingerprint struct {
	N   int
	Sum uint64
}

// Add adds an entry to the set.
func (f *Fingerprint) Add(hash uint64, v IndexValue) {
	f.N++
	f.Sum += mix(mix(hash) + v[0] + spread*v[1]) // sums of schema 2 have no v[1]
}

// Plus returns the fingerprint of two sets together.
func (f *Fingerprint) Plus(o Fingerprint) Fingerprint {
	return Fingerprint{f.N + o.N, f.Sum + o.Sum}
}

const spread = 0x9e3779b97f4a7c15

// mix is the finisher of SplitMix64 (Steele, Lea and Flood, 2014).
func mix(x uint64) uint64 {
	x += spread
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
