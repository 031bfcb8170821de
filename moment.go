package ttpcron

// Moment is a moment between two transactions of a store. Equal moments of one store have
// the same content.
type Moment struct {
	Commit int    // number of the last transaction that changed the store
	Seq    uint64 // arrival number of the last event
}
