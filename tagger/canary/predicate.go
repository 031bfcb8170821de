package canary

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/jsontext"
)

// Evidence is what decided a predicate: the field and its value. It never has a raw
// fingerprint.
type Evidence struct {
	Metric           string `json:"metric"`
	MatchedSignature string `json:"matched_signature"`
}

// Check decides a predicate from an event and the signals that [Signals] derived from
// it.
type Check func(e *ttpcron.Event, signals ttpcron.Payload) (Evidence, bool)

// predicates are the built-in conditions by name, without "lifter:".
var predicates = map[string]func(settings map[string]any) (Check, error){
	"canary_webdriver":              flagged(NavigatorWebdriver),
	"canary_automation_hash":        automationHash,
	"canary_webrtc_leak":            flagged(WebRTCGeoMismatch),
	"canary_tz_lang_mismatch":       clockOrLanguage,
	"canary_platform_inconsistency": flagged(PlatformInconsistent, UAWebGLMismatch),
}

// Predicate returns the predicate of that name ("canary_webdriver", also with
// "lifter:" before it). known is false when there is none. Settings are the
// other keys of the rule's match:
//
//   - canary_automation_hash: catalogues, a list of names of tools or catalogues;
//     without it every name counts;
//   - canary_tz_lang_mismatch: min_zones, a whole number, default 3.
//
// Keys that the predicate does not know are ignored, as in DECNET; a known one
// of the wrong type is an error.
func Predicate(name string, settings map[string]any) (check Check, known bool, err error) {
	build, known := predicates[strings.TrimPrefix(name, "lifter:")]
	if !known {
		return nil, false, nil
	}
	check, err = build(settings)
	return check, true, err
}

// flagged makes a predicate that holds when one of the fields is true.
func flagged(names ...string) func(map[string]any) (Check, error) {
	return func(map[string]any) (Check, error) {
		return func(e *ttpcron.Event, signals ttpcron.Payload) (Evidence, bool) {
			for _, name := range names {
				if isTrue(holder(e, signals, name), name) {
					return Evidence{name, "true"}, true
				}
			}
			return Evidence{}, false
		}, nil
	}
}

// holder returns the payload to look for a field in: the signals, or else what
// the sensor recorded.
func holder(e *ttpcron.Event, signals ttpcron.Payload, name string) ttpcron.Payload {
	if fieldOf(signals, name) != nil {
		return signals
	}
	return e.Payload
}

// automationHash holds for a known hash of canvas and audio, or a known tool, if its name
// is among the catalogues. A sensor that only says true has checked the catalogues itself.
func automationHash(settings map[string]any) (Check, error) {
	catalogues, err := stringList(settings["catalogues"])
	if err != nil {
		return nil, fmt.Errorf("catalogues: %w", err)
	}
	return func(e *ttpcron.Event, signals ttpcron.Payload) (Evidence, bool) {
		for _, name := range [...]string{"canvas_audio_hash_match", MatchedTool} {
			from := holder(e, signals, name)
			if name != MatchedTool && isTrue(from, name) {
				return Evidence{name, "true"}, true
			}
			value, _ := from.Text(name)
			value = cut(value, 128)
			if value != "" && !strings.EqualFold(value, "false") && listed(catalogues, value) {
				return Evidence{name, value}, true
			}
		}
		return Evidence{}, false
	}, nil
}

// listed reports whether a name is in the list, or the list is empty. Case,
// blanks, dashes and underscores make no difference.
func listed(list []string, name string) bool {
	return len(list) == 0 || slices.ContainsFunc(list, func(s string) bool { return folded(s) == folded(name) })
}

func folded(s string) string {
	return strings.NewReplacer("-", "", "_", "", " ", "").Replace(strings.ToLower(s))
}

// clockOrLanguage holds when the browser's clock is too far from the country's,
// or its languages are not the country's.
func clockOrLanguage(settings map[string]any) (Check, error) {
	least := 3.0
	if v, ok := settings["min_zones"]; ok {
		n, ok := numberOf(v)
		if !ok || n < 1 || n > 24 {
			return nil, fmt.Errorf("min_zones: %v, want a number from 1 to 24", v)
		}
		least = n
	}
	return func(e *ttpcron.Event, signals ttpcron.Payload) (Evidence, bool) {
		from := holder(e, signals, TZMismatchZones)
		if n, ok := zones(fieldOf(from, TZMismatchZones)); ok && n >= least {
			return Evidence{TZMismatchZones, strconv.FormatFloat(n, 'f', -1, 64)}, true
		}
		if isTrue(holder(e, signals, LangCountryMismatch), LangCountryMismatch) {
			return Evidence{LangCountryMismatch, "true"}, true
		}
		return Evidence{}, false
	}, nil
}

// zones returns a number of zones: a number, its text, or a list of zones.
func zones(f *ttpcron.Field) (float64, bool) {
	switch {
	case f == nil:
		return 0, false
	case f.Raw == nil:
		return number(json.RawMessage(strings.TrimSpace(f.Text)))
	case len(f.Raw) > 0 && f.Raw[0] == '[':
		zones := 0
		if len(f.Raw) > maxFingerprint || !jsontext.EachElement(f.Raw, func(jsontext.Value) bool { zones++; return true }) {
			return 0, false
		}
		return float64(zones), true
	}
	return number(f.Raw)
}

func stringList(v any) ([]string, error) {
	switch v := v.(type) {
	case nil:
		return nil, nil
	case string:
		return []string{v}, nil
	case []string:
		return v, nil
	case []any:
		var out []string
		for _, item := range v {
			s, ok := item.(string)
			if !ok {
				return nil, fmt.Errorf("%v is no string", item)
			}
			out = append(out, s)
		}
		return out, nil
	}
	return nil, fmt.Errorf("%v, want a list of strings", v)
}

func numberOf(v any) (float64, bool) {
	switch v := v.(type) {
	case int:
		return float64(v), true
	case int64:
		return float64(v), true
	case uint64:
		return float64(v), true
	case float64:
		return v, true
	}
	return 0, false
}
