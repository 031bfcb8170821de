package kv

// Progress says how far checking, recovering or copying a store has come.
type Progress struct {
	Place string // what is being read
	Done  int64  // pages, days or bytes
	Total int64  // 0 when it is not known
}
