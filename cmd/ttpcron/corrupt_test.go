package main

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
)

// corruptions are what can happen to a file, and to the fields that bbolt trusts.
var corruptions = []struct {
	name string
	do   func(rnd *rand.Rand, b []byte) ([]byte, string)
}{
	{"flipped bit", flipBit}, {"sector of zeros", zeroSector}, {"sectors swapped", swapSectors}, {"pages swapped", swapPages}, {"page twice", copyPage},
	{"header of a page", changeHeader}, {"header of a page", changeHeader}, {"entry", changeEntry}, {"entry", changeEntry}, {"entry", changeEntry},
	{"bucket", changeBucket}, {"bucket", changeBucket}, {"part of a bucket", partOfBucket}, {"level left out", leaveOut}, {"next key", nextKey}, {"next key", nextKey},
	{"cut short", cutShort},
}

const diskPage, diskSector = 4096, 512

func pageNumber(rnd *rand.Rand, b []byte) int { return rnd.IntN(len(b) / diskPage) }

func flipBit(rnd *rand.Rand, b []byte) ([]byte, string) {
	at, bit := pageNumber(rnd, b)*diskPage, rnd.IntN(8)
	if rnd.IntN(2) == 0 {
		at += rnd.IntN(200) // more often where a page has something
	} else {
		at += rnd.IntN(diskPage)
	}
	b[at] ^= 1 << bit
	return b, fmt.Sprintf("bit %d of byte %d of page %d", bit, at%diskPage, at/diskPage)
}

func zeroSector(rnd *rand.Rand, b []byte) ([]byte, string) {
	n := rnd.IntN(len(b) / diskSector)
	clear(b[n*diskSector : (n+1)*diskSector])
	return b, fmt.Sprintf("sector %d of page %d", n%8, n/8)
}

func swap(b []byte, i, k, size int) {
	x, y := b[i*size:(i+1)*size], b[k*size:(k+1)*size]
	for n := range x {
		x[n], y[n] = y[n], x[n]
	}
}

func swapSectors(rnd *rand.Rand, b []byte) ([]byte, string) {
	i, k := rnd.IntN(len(b)/diskSector), rnd.IntN(len(b)/diskSector)
	swap(b, i, k, diskSector)
	return b, fmt.Sprintf("%d and %d", i, k)
}

// swapPages swaps two pages, every other time with their numbers set right.
func swapPages(rnd *rand.Rand, b []byte) ([]byte, string) {
	i, k := pageNumber(rnd, b), pageNumber(rnd, b)
	swap(b, i, k, diskPage)
	right := rnd.IntN(2) == 0 && i > 1 && k > 1
	if right {
		binary.LittleEndian.PutUint64(b[i*diskPage:], uint64(i))
		binary.LittleEndian.PutUint64(b[k*diskPage:], uint64(k))
	}
	return b, fmt.Sprintf("%d and %d, numbers set right: %v", i, k, right)
}

func copyPage(rnd *rand.Rand, b []byte) ([]byte, string) {
	i, k := pageNumber(rnd, b), pageNumber(rnd, b)
	copy(b[i*diskPage:(i+1)*diskPage], b[k*diskPage:(k+1)*diskPage])
	right := rnd.IntN(2) == 0 && i > 1
	if right {
		binary.LittleEndian.PutUint64(b[i*diskPage:], uint64(i))
	}
	return b, fmt.Sprintf("%d over %d, number set right: %v", k, i, right)
}

// treePages are the pages that are branches or leaves.
func treePages(b []byte, flags ...uint16) (list []int) {
	for n := 2; n < len(b)/diskPage; n++ {
		page := b[n*diskPage:]
		for _, f := range flags {
			if binary.LittleEndian.Uint64(page) == uint64(n) && binary.LittleEndian.Uint16(page[8:]) == f && binary.LittleEndian.Uint16(page[10:]) > 0 {
				list = append(list, n)
			}
		}
	}
	return list
}

const branchFlag, leafFlag = 1, 2

// other gives another value of a field, a likely one.
func other(rnd *rand.Rand, v uint64, limit int) uint64 {
	switch rnd.IntN(4) {
	case 0:
		return v + 1
	case 1:
		return v - 1
	case 2:
		return uint64(rnd.IntN(limit + 1))
	}
	return v ^ 1<<rnd.IntN(16)
}

func changeHeader(rnd *rand.Rand, b []byte) ([]byte, string) {
	list := treePages(b, branchFlag, leafFlag, 0x10)
	n := list[rnd.IntN(len(list))]
	page := b[n*diskPage:]
	le := binary.LittleEndian
	switch rnd.IntN(5) {
	case 0:
		le.PutUint64(page, other(rnd, le.Uint64(page), len(b)/diskPage))
		return b, fmt.Sprintf("number of page %d", n)
	case 1:
		le.PutUint16(page[8:], []uint16{0, branchFlag, leafFlag, 4, 0x10, 3}[rnd.IntN(6)])
		return b, fmt.Sprintf("sort of page %d", n)
	case 2:
		le.PutUint32(page[12:], uint32(other(rnd, uint64(le.Uint32(page[12:])), 3)))
		return b, fmt.Sprintf("overflow of page %d", n)
	}
	old := le.Uint16(page[10:])
	le.PutUint16(page[10:], uint16(other(rnd, uint64(old), int(old))))
	return b, fmt.Sprintf("count of page %d: %d instead of %d", n, le.Uint16(page[10:]), old)
}

// changeEntry changes a field of an entry of a branch or leaf, or its key.
func changeEntry(rnd *rand.Rand, b []byte) ([]byte, string) {
	list := treePages(b, branchFlag)
	if rnd.IntN(2) == 0 || len(list) == 0 {
		list = treePages(b, leafFlag)
	}
	n := list[rnd.IntN(len(list))]
	page := b[n*diskPage:]
	le := binary.LittleEndian
	i := rnd.IntN(int(le.Uint16(page[10:])))
	at := 16 + 16*i
	if rnd.IntN(4) == 0 { // the key
		pos := at + int(le.Uint32(page[at:]))
		if le.Uint16(page[8:]) == leafFlag {
			pos = at + int(le.Uint32(page[at+4:]))
		}
		pos += rnd.IntN(8)
		if pos < len(page) {
			page[pos] ^= 1 << rnd.IntN(8)
		}
		return b, fmt.Sprintf("key of entry %d of page %d", i, n)
	}
	field := at + 4*rnd.IntN(4)
	if le.Uint16(page[8:]) == branchFlag && rnd.IntN(2) == 0 {
		le.PutUint64(page[at+8:], other(rnd, le.Uint64(page[at+8:]), len(b)/diskPage))
		return b, fmt.Sprintf("child %d of page %d", i, n)
	}
	le.PutUint32(page[field:], uint32(other(rnd, uint64(le.Uint32(page[field:])), 100)))
	return b, fmt.Sprintf("field %d of entry %d of page %d", (field-at)/4, i, n)
}

// bucketPlace is the entry of a bucket: page and entry, and where its value begins
// in the file.
type bucketPlace struct{ at, page, entry int }

// bucketPlaces are the buckets that have pages of their own.
func bucketPlaces(b []byte) (places []bucketPlace) {
	le := binary.LittleEndian
	for _, n := range treePages(b, leafFlag) {
		page := b[n*diskPage:]
		for i := range int(le.Uint16(page[10:])) {
			at := 16 + 16*i
			value := at + int(le.Uint32(page[at+4:])) + int(le.Uint32(page[at+8:]))
			if le.Uint32(page[at:]) == 1 && value+16 <= diskPage && le.Uint64(page[value:]) != 0 {
				places = append(places, bucketPlace{n*diskPage + value, n, i})
			}
		}
	}
	return places
}

// childOf returns a page that a branch leads to; ok is false for another page.
func childOf(rnd *rand.Rand, b []byte, n uint64) (child uint64, ok bool) {
	if n < 2 || n >= uint64(len(b)/diskPage) {
		return 0, false
	}
	page := b[n*diskPage:]
	le := binary.LittleEndian
	count := int(le.Uint16(page[10:]))
	if le.Uint16(page[8:]) != branchFlag || count == 0 {
		return 0, false
	}
	return le.Uint64(page[16+16*rnd.IntN(count)+8:]), true
}

// partOfBucket makes a bucket begin at a page below its root.
func partOfBucket(rnd *rand.Rand, b []byte) ([]byte, string) {
	places := bucketPlaces(b)
	for _, i := range rnd.Perm(len(places)) {
		p := places[i]
		if child, ok := childOf(rnd, b, binary.LittleEndian.Uint64(b[p.at:])); ok {
			binary.LittleEndian.PutUint64(b[p.at:], child)
			return b, fmt.Sprintf("bucket %d of page %d begins at page %d", p.entry, p.page, child)
		}
	}
	return b, ""
}

// leaveOut makes a branch's entry lead to the first page below its own, which begins with
// the same key.
func leaveOut(rnd *rand.Rand, b []byte) ([]byte, string) {
	le := binary.LittleEndian
	list := treePages(b, branchFlag)
	for _, k := range rnd.Perm(len(list)) {
		page := b[list[k]*diskPage:]
		i := rnd.IntN(int(le.Uint16(page[10:])))
		below := le.Uint64(page[16+16*i+8:])
		if _, ok := childOf(rnd, b, below); ok {
			le.PutUint64(page[16+16*i+8:], le.Uint64(b[below*diskPage+16+8:]))
			return b, fmt.Sprintf("child %d of page %d", i, list[k])
		}
	}
	return b, ""
}

// nextKey changes the last byte of a key by one, so that keys stay in order most
// often.
func nextKey(rnd *rand.Rand, b []byte) ([]byte, string) {
	le := binary.LittleEndian
	list := treePages(b, branchFlag, leafFlag)
	n := list[rnd.IntN(len(list))]
	page := b[n*diskPage:]
	i := rnd.IntN(int(le.Uint16(page[10:])))
	at := 16 + 16*i
	end := at + int(le.Uint32(page[at:])) + int(le.Uint32(page[at+4:]))
	if le.Uint16(page[8:]) == leafFlag {
		end = at + int(le.Uint32(page[at+4:])) + int(le.Uint32(page[at+8:]))
	}
	if end <= diskPage {
		page[end-1] += byte(1 - 2*rnd.IntN(2))
	}
	return b, fmt.Sprintf("entry %d of page %d", i, n)
}

// changeBucket lets a bucket begin at another page, or changes the number that it
// keeps.
func changeBucket(rnd *rand.Rand, b []byte) ([]byte, string) {
	le := binary.LittleEndian
	places := bucketPlaces(b)
	p := places[rnd.IntN(len(places))]
	if rnd.IntN(6) == 0 {
		le.PutUint64(b[p.at+8:], other(rnd, le.Uint64(b[p.at+8:]), 100))
		return b, fmt.Sprintf("number kept by bucket %d of page %d", p.entry, p.page)
	}
	list := treePages(b, branchFlag, leafFlag)
	old := le.Uint64(b[p.at:])
	le.PutUint64(b[p.at:], uint64(list[rnd.IntN(len(list))]))
	return b, fmt.Sprintf("bucket %d of page %d begins at page %d instead of %d", p.entry, p.page, le.Uint64(b[p.at:]), old)
}

func cutShort(rnd *rand.Rand, b []byte) ([]byte, string) {
	n := rnd.IntN(len(b))
	if rnd.IntN(2) == 0 {
		n = n &^ (diskPage - 1)
	}
	n = max(n, 1) // a file without content is a store that was never begun
	return b[:n], fmt.Sprintf("after %d bytes of page %d", n%diskPage, n/diskPage)
}
