//go:build !linux

package ttpcron

func madeUp(string) bool { return false }
