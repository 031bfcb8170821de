package importer

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/ttpcron/ttpcron"
)

// Settings are what the files of an input leave out. They are part of its events: with another
// zone, the same lines become other events, with other times.
type Settings struct {
	Zone *time.Location // of times that name no zone and are not known to be UTC; nil: not set
	Year int            // in which the file begins, if its times have no year; 0: not set
	// Host is the real host whose log it is, if the log does not say; empty: not set. The
	// access log of a web server says it neither way, so Host makes it a real host's.
	Host string
	// Sensor is the honeypot or other sensor of records that name none; empty: not set. It
	// is never set together with Host.
	Sensor string
}

// The names of the settings, as they are written in an input.
const (
	settingZone   = "zone"
	settingYear   = "year"
	settingHost   = "host"
	settingSensor = "sensor"
)

// needs are settings without which a record cannot be read.
type needs struct{ zone, year, host bool }

func (n needs) or(m needs) needs {
	return needs{n.zone || m.zone, n.year || m.year, n.host || m.host}
}

// missing names the settings that a file has not.
func (n needs) missing(src *source) (names []string) {
	if n.zone && src.Zone == nil {
		names = append(names, settingZone)
	}
	if n.year && src.Year == 0 && src.written().IsZero() && src.begun().IsZero() {
		names = append(names, settingYear)
	}
	if n.host && src.Host == "" {
		names = append(names, settingHost)
	}
	return names
}

// SettingNames lists the settings that an input may have.
func SettingNames() []string {
	return []string{settingZone, settingYear, settingHost, settingSensor}
}

const (
	minYear = 1970
	maxYear = 9999
	maxName = 253 // bytes of a host or sensor, as in a DNS name
)

// Set sets a setting from text. The error says what is wrong with the value.
func (s *Settings) Set(name, value string) error {
	switch name {
	case settingZone:
		zone, err := time.LoadLocation(value)
		if err != nil || value == "" || value == "Local" {
			return fmt.Errorf("zone %q is not known; want a name such as Europe/Berlin or UTC", value)
		}
		s.Zone = zone
	case settingYear:
		year, err := strconv.Atoi(value)
		if err != nil || year < minYear || year > maxYear {
			return fmt.Errorf("year %q is not a year from %d to %d", value, minYear, maxYear)
		}
		s.Year = year
	case settingHost:
		return s.setName(&s.Host, &s.Sensor, name, value)
	case settingSensor:
		return s.setName(&s.Sensor, &s.Host, name, value)
	default:
		return fmt.Errorf("unknown setting %q; known are %s", name, strings.Join(SettingNames(), ", "))
	}
	return nil
}

func (s *Settings) setName(of, other *string, name, value string) error {
	switch {
	case value == "" || strings.ContainsFunc(value, notInName):
		return fmt.Errorf("%s %q is not a name of letters, digits and . _ -", name, value)
	case len(value) > maxName:
		return fmt.Errorf("%s %.20q… is longer than %d bytes", name, value, maxName)
	case *other != "":
		return errors.New("host and sensor are both set: set only host for the logs of a real host, only sensor for those of a honeypot")
	}
	*of = value
	return nil
}

func notInName(r rune) bool {
	return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("._-", r)
}

// Or returns the settings, with those that are not set taken from others.
func (s Settings) Or(others Settings) Settings {
	if s.Zone == nil {
		s.Zone = others.Zone
	}
	if s.Year == 0 {
		s.Year = others.Year
	}
	if s.Host == "" && s.Sensor == "" {
		s.Host, s.Sensor = others.Host, others.Sensor
	}
	return s
}

// String writes the settings as in an input: "zone=Europe/Berlin,year=2026".
func (s Settings) String() string {
	var all []string
	if s.Zone != nil {
		all = append(all, settingZone+"="+s.Zone.String())
	}
	if s.Year != 0 {
		all = append(all, settingYear+"="+strconv.Itoa(s.Year))
	}
	if s.Host != "" {
		all = append(all, settingHost+"="+s.Host)
	}
	if s.Sensor != "" {
		all = append(all, settingSensor+"="+s.Sensor)
	}
	return strings.Join(all, ",")
}

// nameSensor names the sensor of an event whose record does not. It is not part of the parsers,
// so it applies to every format.
func (s *Settings) nameSensor(e *ttpcron.Event) {
	if s.Sensor == "" || e.DeckyID != "" {
		return
	}
	nobody := e.AttackerIP == "" && e.AttackerUUID == "" && e.IdentityUUID == ttpcron.SessionIdentity("", e.SessionID)
	if e.DeckyID = s.Sensor; nobody {
		e.IdentityUUID = ttpcron.SessionIdentity(e.DeckyID, e.SessionID)
	}
}

// parseSettings reads "zone=Europe/Berlin,year=2026".
func parseSettings(text string) (s Settings, err error) {
	for _, one := range strings.Split(text, ",") {
		name, value, ok := strings.Cut(one, "=")
		if !ok {
			return s, fmt.Errorf("%q has no =", one)
		}
		if err := s.Set(name, value); err != nil {
			return s, err
		}
	}
	return s, nil
}

// source is what a parser may know of the file that it reads.
type source struct {
	Settings
	path string // as the user gave it; empty for standard input
	// modified is when the file was last changed, but not before the date in its name, or for
	// standard input, now. It is zero if that says nothing of the times in it.
	modified time.Time
	names    *folderNames // of the files beside it; nil: not read yet

	sought     bool // before was
	before     time.Time
	beforeName string // of the file with that date
}

// LacksError says that a file was not read because it needs settings that it has not, or
// other ones.
type LacksError struct {
	Path     string
	Format   string      // its name
	Settings []string    // that it needs
	Wrong    string      // why a setting that it has cannot be right; empty: they are missing
	Found    Recognition // what is known of the file anyway; zero if SaidBefore
	look     *ttpcron.FileLook
	said     bool
}

// SaidBefore reports whether an earlier import met the file as it is.
func (e *LacksError) SaidBefore() bool { return e.said }

// Look returns what to remember of the file, or nil.
func (e *LacksError) Look() *ttpcron.FileLook { return e.look }

// reason is what a look remembers of the error.
func (e *LacksError) reason() string {
	reason := strings.Join(e.Settings, ",")
	if e.Wrong != "" {
		reason += ": " + e.Wrong
	}
	return reason
}

// lacksAgain is the error that an earlier import remembered so.
func lacksAgain(path, format string, look *ttpcron.FileLook, reason string) *LacksError {
	names, wrong, _ := strings.Cut(reason, ": ")
	return &LacksError{Path: path, Format: format, Settings: strings.Split(names, ","), Wrong: wrong, look: look, said: true}
}

func (e *LacksError) Error() string {
	var examples, flags []string
	for _, s := range e.Settings {
		examples, flags = append(examples, settingExamples[s]), append(flags, "--"+s)
	}
	if e.Wrong != "" {
		return fmt.Sprintf("%s: %s", e.Path, e.Wrong)
	}
	return fmt.Sprintf("%s: its format is %s, but it does not say its %s: set %s in a table [[input]] of the config file, or give import %s",
		e.Path, e.Format, joinAnd(e.Settings), joinAnd(examples), joinAnd(flags))
}

// settingExamples show how a setting is set.
var settingExamples = map[string]string{settingZone: `zone = "Europe/Berlin"`, settingYear: "year = 2026", settingHost: `host = "web-1"`}

// joinAnd writes a list as in a sentence.
func joinAnd(list []string) string {
	if len(list) < 2 {
		return strings.Join(list, "")
	}
	last := len(list) - 1
	return strings.Join(list[:last], ", ") + " and " + list[last]
}
