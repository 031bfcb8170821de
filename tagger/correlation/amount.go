package correlation

import "math/bits"

// amount is a number that is not negative, in units of 10^-18, so that sums are exact
// and the same in any order.
type amount struct{ hi, lo uint64 }

const (
	fraction = 18 // digits after the point that count
	integer  = 18 // digits before it that the threshold of a sum may have, and one more for 10^18
)

func (a amount) add(b amount) amount {
	lo, carry := bits.Add64(a.lo, b.lo, 0)
	hi, _ := bits.Add64(a.hi, b.hi, carry)
	return amount{hi, lo}
}

func (a amount) sub(b amount) amount {
	lo, borrow := bits.Sub64(a.lo, b.lo, 0)
	hi, _ := bits.Sub64(a.hi, b.hi, borrow)
	return amount{hi, lo}
}

func (a amount) less(b amount) bool { return a.hi < b.hi || a.hi == b.hi && a.lo < b.lo }

func (a amount) atMost(b amount) amount {
	if b.less(a) {
		return b
	}
	return a
}

// digit returns 10a + d.
func (a amount) digit(d byte) amount {
	hi, lo := bits.Mul64(a.lo, 10)
	return amount{a.hi*10 + hi, lo}.add(amount{0, uint64(d)})
}

// shift returns a with so many zeros more.
func (a amount) shift(zeros int) amount {
	for zeros > 0 {
		n := min(zeros, len(tens)-1)
		hi, lo := bits.Mul64(a.lo, tens[n])
		a = amount{a.hi*tens[n] + hi, lo}
		zeros -= n
	}
	return a
}

var tens = [...]uint64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19}

// String writes the number without zeros that say nothing.
func (a amount) String() string {
	var digits [40]byte
	i := len(digits)
	for n := 0; n <= fraction || a != (amount{}); n++ {
		if n == fraction {
			i--
			digits[i] = '.'
		}
		var rest uint64
		hi := a.hi / 10
		a.lo, rest = bits.Div64(a.hi%10, a.lo, 10)
		a.hi = hi
		i--
		digits[i] = '0' + byte(rest)
	}
	end := len(digits)
	for digits[end-1] == '0' {
		end--
	}
	if digits[end-1] == '.' {
		end--
	}
	return string(digits[i:end])
}

// A decimal is a number as a text spells it: digits, the position of the point among them
// (0 is before the first; it may be outside on either side), and a sign.
type decimal struct {
	digits   []byte // without zeros at either end, and possibly without any: 0
	point    int
	negative bool
}

// maxPoint bounds the position of a decimal's point: numbers beyond it are as good as
// infinite, or as zero.
const maxPoint = 1 << 20

// readDecimal reads a number: an optional sign, digits with or without a point, an
// optional exponent. It is false for anything else. It uses text as its working memory and
// changes it.
func readDecimal(text []byte) (d decimal, ok bool) {
	i := 0
	if i < len(text) && (text[i] == '-' || text[i] == '+') {
		d.negative = text[i] == '-'
		i++
	}
	start, point := i, -1
	for ; i < len(text) && (text[i]-'0' <= 9 || text[i] == '.' && point < 0); i++ {
		if text[i] == '.' {
			point = i - start
		}
	}
	d.digits = text[start:i]
	if point >= 0 {
		if len(d.digits) == 1 {
			return d, false
		}
		copy(d.digits[point:], d.digits[point+1:])
		d.digits = d.digits[:len(d.digits)-1]
		d.point = point
	} else if d.point = len(d.digits); d.point == 0 {
		return d, false
	}
	if i < len(text) {
		if text[i] != 'e' && text[i] != 'E' {
			return d, false
		}
		exponent, ok := readExponent(text[i+1:])
		if !ok {
			return d, false
		}
		d.point += exponent
	}
	for len(d.digits) > 0 && d.digits[0] == '0' {
		d.digits = d.digits[1:]
		d.point--
	}
	for len(d.digits) > 0 && d.digits[len(d.digits)-1] == '0' {
		d.digits = d.digits[:len(d.digits)-1]
	}
	if len(d.digits) == 0 {
		return decimal{}, true
	}
	return d, true
}

func readExponent(text []byte) (n int, ok bool) {
	negative := false
	if len(text) > 0 && (text[0] == '-' || text[0] == '+') {
		negative = text[0] == '-'
		text = text[1:]
	}
	if len(text) == 0 {
		return 0, false
	}
	for _, c := range text {
		if c-'0' > 9 {
			return 0, false
		}
		n = min(10*n+int(c-'0'), maxPoint)
	}
	if negative {
		n = -n
	}
	return n, true
}

// amount returns the number, most where it is more than that. Digits that an amount does
// not hold are cut off. The number is not negative.
func (d *decimal) amount(most amount) (a amount) {
	if d.point > integer+1 {
		if len(d.digits) == 0 {
			return a
		}
		return most
	}
	if zeros := d.point + fraction - len(d.digits); zeros >= 0 && len(d.digits) <= 19 {
		n := uint64(0)
		for _, c := range d.digits {
			n = 10*n + uint64(c-'0')
		}
		return amount{0, n}.shift(zeros).atMost(most)
	}
	for i := range d.point + fraction {
		c := byte('0')
		if i < len(d.digits) {
			c = d.digits[i]
		}
		a = a.digit(c - '0')
	}
	return a.atMost(most)
}
