package credentials

import "testing"

func TestFind(t *testing.T) {
	for _, c := range []struct {
		username, password string
		want               Default
	}{
		{"root", "vizxv", Default{Device, "Dahua cameras"}},
		{"pi", "raspberry", Default{System, "Raspberry Pi OS before April 2022"}},
		{"admin", "", Default{Guess, "MikroTik RouterOS and others"}},
		{"Pi", "raspberry", Default{}},
		{"pi", "raspberry ", Default{}},
		{"root", "123456", Default{}}, // weak, and no product's
		{"", "", Default{}},
	} {
		if got, ok := Find(c.username, c.password); got != c.want || ok != (c.want != Default{}) {
			t.Errorf("%s/%s: %v, want %v", c.username, c.password, got, c.want)
		}
	}
}

// TestRead: the list is refused if it could be misread, and every class is used.
func TestRead(t *testing.T) {
	for _, bad := range []string{
		"device\troot\tx", "device\t\tx\tp", "device\troot\tx\t", "devices\troot\tx\tp", "device\troot\tx\tp\tmore", "guess\ta\tb\tp\nsystem\ta\tb\tq", "",
	} {
		if _, err := read(bad); err == nil {
			t.Errorf("%q: no error", bad)
		}
	}
	used := map[Class]bool{}
	for _, d := range defaults() {
		used[d.Class] = true
	}
	for _, class := range Classes() {
		if !used[class] {
			t.Errorf("no login of class %s", class)
		}
	}
}
