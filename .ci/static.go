//go:build ignore

// Command static fails for a program that asks for a dynamic linker or a shared
// library: go run .ci/static.go FILE
package main

import (
	"debug/elf"
	"fmt"
	"os"
)

func main() {
	f, err := elf.Open(os.Args[1])
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP || p.Type == elf.PT_DYNAMIC {
			fmt.Printf("%s is not static: it has a program header %s\n", os.Args[1], p.Type)
			os.Exit(1)
		}
	}
}
