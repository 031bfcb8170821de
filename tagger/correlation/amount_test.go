package correlation

import (
	"math/big"
	"math/rand/v2"
	"strings"
	"testing"
)

func amountOf(t *testing.T, text string) amount {
	d, ok := readDecimal([]byte(text))
	if !ok || d.negative {
		t.Fatalf("%q is no amount", text)
	}
	return d.amount(amount{hi: 1 << 63})
}

func TestNumbersAreReadExactly(t *testing.T) {
	for text, want := range map[string]string{
		"0": "0", "-0": "0", "-0.000": "0", "0e999999999999": "0", "00012": "12", "+7": "7", ".5": "0.5", "5.": "5", "1.50": "1.5", "12e2": "1200", "1200e-3": "1.2", "1E+2": "100",
		"0.000000000000000001": "0.000000000000000001", "0.0000000000000000019": "0.000000000000000001", "1e-19": "0", "1e-999999999999": "0",
		"123456789012345678.123456789012345678": "123456789012345678.123456789012345678", "9999999999999999999": "9999999999999999999",
		"0." + strings.Repeat("0", 200) + "1e201": "1",
	} {
		if got := amountOf(t, text).String(); got != want {
			t.Errorf("%s is read as %s, want %s", text, got, want)
		}
	}
	for _, text := range []string{"", "-", "+", ".", "e1", "1e", "1e+", "1e1.5", "1 ", " 1", "1_0", "0x1", "inf", "NaN", "1.2.3", "--1", "1,5", "true"} {
		if _, ok := readDecimal([]byte(text)); ok {
			t.Errorf("%q is a number", text)
		}
	}
	for text, negative := range map[string]bool{"-1": true, "-1e-30": true, "-0": false, "1": false} {
		if d, ok := readDecimal([]byte(text)); !ok || d.negative != negative {
			t.Errorf("%q: %v %v", text, d.negative, ok)
		}
	}
	most := amountOf(t, "1000000000000000000")
	for _, text := range []string{"1000000000000000001", "1e30", "1e999999999999", strings.Repeat("9", 250)} {
		if d, ok := readDecimal([]byte(text)); !ok || d.amount(most) != most {
			t.Errorf("%q is not as much as counts", text)
		}
	}
}

// Sums agree with those of math/big.
func TestSumsAreExact(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 1))
	for range 2000 {
		want, sum := new(big.Rat), amount{}
		for range 1 + rnd.IntN(30) {
			text := ""
			for range 1 + rnd.IntN(17) {
				text += string('0' + byte(rnd.IntN(10)))
			}
			if rnd.IntN(2) == 0 {
				text += "."
				for range 1 + rnd.IntN(18) {
					text += string('0' + byte(rnd.IntN(10)))
				}
			}
			n, ok := new(big.Rat).SetString(text)
			if !ok {
				t.Fatal(text)
			}
			want.Add(want, n)
			sum = sum.add(amountOf(t, text))
		}
		if got, _ := new(big.Rat).SetString(sum.String()); got.Cmp(want) != 0 {
			t.Fatalf("the sum is %s, want %s", sum, want.FloatString(20))
		}
	}
}
