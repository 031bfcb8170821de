package jobs

import "errors"

// Place is where an import stopped because its time was up. The next one begins with the
// input after it, so that a slow input does not keep others from ever being read. Its zero
// value is the place before the first input.
type Place struct {
	Name string // of the input at which it stopped; empty: it went through all
	Left int    // how many inputs it did not reach
	at   int    // which of the inputs it was
}

// errTimeUp ends an import that has used up its time.
var errTimeUp = errors.New("the time to import is up")

// next returns the input to begin with. If the input where the last import stopped is
// gone, as after a rotation, it is the one now in its place.
func (p *Place) next(inputs []Input) int {
	if p == nil || p.Name == "" || len(inputs) == 0 {
		return 0
	}
	if p.at < len(inputs) && inputs[p.at].Name == p.Name {
		return (p.at + 1) % len(inputs)
	}
	for i := range inputs {
		if inputs[i].Name == p.Name {
			return (i + 1) % len(inputs)
		}
	}
	return p.at % len(inputs)
}

func (s *scan) timeUp() bool { return s.Limit > 0 && s.now().Sub(s.began) >= s.Limit }

// stopped sets Place, where the next import continues, if the time was up after done
// inputs. Running out of time is not an error.
func (s *scan) stopped(done int, err error) error {
	if !errors.Is(err, errTimeUp) {
		if err == nil && s.Place != nil {
			*s.Place = Place{}
		}
		return err
	}
	if s.Place != nil {
		at := (s.first + done - 1) % len(s.Inputs)
		*s.Place = Place{Name: s.Inputs[at].Name, Left: len(s.Inputs) - done, at: at}
	}
	return nil
}
