module github.com/ttpcron/ttpcron/bench/engines

go 1.26.0

require (
	github.com/ttpcron/ttpcron v0.0.0
	github.com/wasilibs/go-re2 v1.13.0
)

require (
	go.yaml.in/yaml/v3 v3.0.6 // indirect
	golang.org/x/sys v0.49.0 // indirect
	mvdan.cc/sh/v3 v3.14.1 // indirect
)

replace github.com/ttpcron/ttpcron => ../..
