// Command palette writes a PNG with at most 256 colours, its most frequent ones: a
// picture of a page has few, and is a third as large then.
//
//	go run palette.go FROM TO
package main

import (
	"cmp"
	"image"
	"image/color"
	"image/png"
	"log"
	"maps"
	"os"
	"slices"
)

func main() {
	if err := reduce(os.Args[1], os.Args[2]); err != nil {
		log.Fatal(err)
	}
}

func reduce(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	picture, err := png.Decode(in)
	if err != nil {
		return err
	}
	reduced := image.NewPaletted(picture.Bounds(), frequent(picture))
	index := map[color.Color]uint8{}
	for y := picture.Bounds().Min.Y; y < picture.Bounds().Max.Y; y++ {
		for x := picture.Bounds().Min.X; x < picture.Bounds().Max.X; x++ {
			c := picture.At(x, y)
			i, known := index[c]
			if !known {
				i = uint8(reduced.Palette.Index(c))
				index[c] = i
			}
			reduced.SetColorIndex(x, y, i)
		}
	}
	out, err := os.Create(to)
	if err != nil {
		return err
	}
	encoder := png.Encoder{CompressionLevel: png.BestCompression}
	if err := encoder.Encode(out, reduced); err != nil {
		return err
	}
	return out.Close()
}

func frequent(picture image.Image) color.Palette {
	counts := map[color.Color]int{}
	for y := picture.Bounds().Min.Y; y < picture.Bounds().Max.Y; y++ {
		for x := picture.Bounds().Min.X; x < picture.Bounds().Max.X; x++ {
			counts[picture.At(x, y)]++
		}
	}
	colours := slices.SortedFunc(maps.Keys(counts), func(a, b color.Color) int { return cmp.Compare(counts[b], counts[a]) })
	return colours[:min(len(colours), 256)]
}
