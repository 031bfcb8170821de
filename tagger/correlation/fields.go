package correlation

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ttpcron/ttpcron"
)

// sigmaFields are the names that Sigma rules use, after the logs of real hosts, and the
// event fields that mean the same.
var sigmaFields = map[string]string{
	"src_ip": ttpcron.FieldAttackerIP, "SourceIp": ttpcron.FieldAttackerIP, "SourceIP": ttpcron.FieldAttackerIP, "source.ip": ttpcron.FieldAttackerIP,
	"IpAddress": ttpcron.FieldAttackerIP, "ClientIP": ttpcron.FieldAttackerIP, "ClientIp": ttpcron.FieldAttackerIP, "client.ip": ttpcron.FieldAttackerIP, "client_ip": ttpcron.FieldAttackerIP,
	"c-ip": ttpcron.FieldAttackerIP, "src_host": ttpcron.FieldAttackerIP, "SourceAddress": ttpcron.FieldAttackerIP, "source.address": ttpcron.FieldAttackerIP,
	"remote_ip": ttpcron.FieldAttackerIP, "remote_addr": ttpcron.FieldAttackerIP, "rhost": ttpcron.FieldAttackerIP, "id.orig_h": ttpcron.FieldAttackerIP,
	"user": fieldUsername, "User": fieldUsername, "UserName": fieldUsername, "user.name": fieldUsername, "TargetUserName": fieldUsername, "TargetUser": fieldUsername, "AccountName": fieldUsername,
	"host": ttpcron.FieldDeckyID, "hostname": ttpcron.FieldDeckyID, "host.name": ttpcron.FieldDeckyID, "Computer": ttpcron.FieldDeckyID, "ComputerName": ttpcron.FieldDeckyID,
	"Hostname": ttpcron.FieldDeckyID, "HostName": ttpcron.FieldDeckyID, "host.hostname": ttpcron.FieldDeckyID,
	"session": ttpcron.FieldSessionID, "SessionId": ttpcron.FieldSessionID, "SessionID": ttpcron.FieldSessionID, "session.id": ttpcron.FieldSessionID,
	"DestinationPort": "dst_port", "destination.port": "dst_port", "DestinationIp": "dst_ip", "destination.ip": "dst_ip",
	"CommandLine": "command_text", "CurrentDirectory": "pwd",
	"c-uri": "raw_url", "cs-uri": "raw_url", "cs-method": "method", "cs-host": "host", "c-useragent": "user_agent", "sc-status": "status",
}

const fieldUsername = "username"

// ofKind are fields that events of a kind have under a name that means something else
// elsewhere.
var ofKind = map[ttpcron.SourceKind][]string{
	ttpcron.HTTPRequest:    {"host"},
	ttpcron.Command:        {"user"},
	ttpcron.ServiceRequest: {"user"},
}

// ofSession are the fields that groups by session have besides: ids of sessions are used
// again, by other sensors above all.
var ofSession = []string{ttpcron.FieldAttackerIP, ttpcron.FieldAttackerUUID, ttpcron.FieldDeckyID, ttpcron.FieldIdentityUUID}

// OfEveryEvent reports whether a name is a field that every event may have outside its
// payload.
func OfEveryEvent(name string) bool { return ofEveryEvent(groupName(name, nil)) }

func ofEveryEvent(name string) bool {
	return name == ttpcron.FieldSessionID || slices.Contains(ofSession, name)
}

// groupName returns the name under which groups have a field, given the kinds of the
// events that are grouped.
func groupName(name string, kinds []ttpcron.SourceKind) string {
	to, ok := sigmaFields[name]
	if !ok || to == ttpcron.FieldDeckyID && slices.ContainsFunc(kinds, func(k ttpcron.SourceKind) bool { return slices.Contains(ofKind[k], name) }) {
		return name
	}
	return to
}

// eventField returns the field of events of a kind that a name in a rule stands for.
// kinds are those of all events that the rule looks at.
func eventField(name string, kind ttpcron.SourceKind, kinds []ttpcron.SourceKind) string {
	to := groupName(name, kinds)
	if to == fieldUsername && name != fieldUsername && slices.Contains(ofKind[kind], "user") {
		return "user"
	}
	return to
}

// checkField says why a text cannot be the name of a field in a rule. Names are part of
// stream ids.
func checkField(name string) error {
	switch {
	case name == "":
		return fmt.Errorf("a field has no name")
	case len(name) > 256:
		return fmt.Errorf("%.40q… has more than 256 bytes", name)
	case strings.ContainsAny(name, ",=|?") || strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r == 0x7f }):
		return fmt.Errorf("%q has a , = | ? or a control character, which names of fields cannot have here", name)
	case name == "vantage":
		return fmt.Errorf("vantage is no field: events that hosts saw are never in a group with those of honeypots")
	}
	return nil
}
