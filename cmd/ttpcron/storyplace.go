package main

// place says where an address is, where that is known.
func (p *storyPage) place(string) string { return "" }
