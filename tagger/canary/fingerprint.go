package canary

import (
	"encoding/json"
	"math"
	"net/netip"
	"slices"
	"strconv"

	"github.com/ttpcron/ttpcron/jsontext"
)

// fingerprint is the useful part of a browser's fingerprint. Members that are missing,
// null, {"err": …} or of another type are empty.
type fingerprint struct {
	agent     string
	platform  string
	languages []string
	webdriver *bool
	offset    *int // minutes east of UTC
	renderer  string
	addresses []netip.Addr
	problem   string // why nothing was read
}

// readFingerprint reads DECNET's form of a browser's fingerprint: an object of
// objects, nav, tz, gl, rtc and others.
func readFingerprint(raw json.RawMessage) fingerprint {
	var fp fingerprint
	switch {
	case raw == nil || string(raw) == "null":
		return fp
	case len(raw) > maxFingerprint:
		fp.problem = "fingerprint is longer than " + strconv.Itoa(maxFingerprint) + " bytes"
		return fp
	}
	top := members(raw, "nav", "tz", "gl", "rtc")
	if top == nil {
		fp.problem = "fingerprint is no JSON object"
		return fp
	}
	nav, tz := members(top["nav"], "ua", "pl", "lgs", "lg", "wd"), members(top["tz"], "off")
	gl, rtc := members(top["gl"], "ur", "r"), members(top["rtc"], "ip")
	fp.agent = cut(textOf(nav["ua"]), 2048)
	fp.platform = cut(textOf(nav["pl"]), 128)
	fp.languages = texts(nav["lgs"])
	if len(fp.languages) == 0 {
		if one := cut(textOf(nav["lg"]), 64); one != "" {
			fp.languages = []string{one}
		}
	}
	switch string(nav["wd"]) {
	case "true", "false":
		driven := string(nav["wd"]) == "true"
		fp.webdriver = &driven
	}
	// JavaScript counts minutes from local time to UTC.
	if off, ok := number(tz["off"]); ok && off == math.Trunc(off) && math.Abs(off) <= 15*60 {
		east := -int(off)
		fp.offset = &east
	}
	fp.renderer = cut(textOf(gl["ur"]), 512)
	if fp.renderer == "" {
		fp.renderer = cut(textOf(gl["r"]), 512)
	}
	for _, s := range texts(rtc["ip"]) {
		if a, err := netip.ParseAddr(s); err == nil {
			fp.addresses = append(fp.addresses, a.Unmap().WithZone(""))
		}
	}
	return fp
}

// members returns those of some members that a JSON object has, or nil if it is not an
// object. If a name occurs twice, the last counts.
func members(raw json.RawMessage, names ...string) map[string]json.RawMessage {
	m := map[string]json.RawMessage{}
	if !jsontext.EachMember(raw, func(name []byte, value jsontext.Value) bool {
		if slices.Contains(names, string(name)) {
			m[string(name)] = value.Raw()
		}
		return true
	}) {
		return nil
	}
	return m
}

func textOf(raw json.RawMessage) string {
	if len(raw) == 0 || raw[0] != '"' {
		return ""
	}
	s, err := jsontext.DecodeString(raw)
	if err != nil {
		return ""
	}
	return s
}

// texts returns up to 16 strings of a JSON list.
func texts(raw json.RawMessage) []string {
	var out []string
	seen := 0
	jsontext.EachElement(raw, func(item jsontext.Value) bool {
		if s := cut(textOf(item.Raw()), 128); s != "" {
			out = append(out, s)
		}
		seen++
		return seen < 16
	})
	return out
}

func number(raw json.RawMessage) (float64, bool) {
	if len(raw) == 0 || len(raw) > 32 {
		return 0, false
	}
	v, err := strconv.ParseFloat(string(raw), 64)
	return v, err == nil && !math.IsNaN(v) && !math.IsInf(v, 0)
}
