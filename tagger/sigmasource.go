package tagger

import (
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/ttpcron/ttpcron"
)

// sigmaEvents is what the events of a Sigma log source are here.
type sigmaEvents struct {
	kind     ttpcron.SourceKind
	name     string              // for people
	fields   map[string]fieldRef // nil: names are those of the payload
	absent   map[string]bool     // fields of such a source that the events do not have
	usual    string              // what names of fields that are in neither are none of
	evidence []string
	keywords bool // are looked for in the text of the events
}

// sigmaProcesses are the starts of processes, which shell commands show.
var sigmaProcesses = &sigmaEvents{
	kind: ttpcron.Command, name: "shell commands", fields: sigmaFields, absent: sigmaAbsent, usual: "Sigma's process creation events",
	evidence: []string{"command_text"}, keywords: true,
}

// sigmaLogins are attempts to log in.
var sigmaLogins = &sigmaEvents{
	kind: ttpcron.AuthAttempt, name: "attempts to log in", usual: "attempts to log in", evidence: []string{"service", "username", "success"},
	fields: payloadFields(map[string]string{
		"username": "User user UserName userName TargetUserName TargetUser AccountName user.name", "password": "Password user.password", "method": "auth_method AuthMethod",
		"service": "", "protocol": "network.protocol", "client_version": "", "key_fingerprint": "", "key_type": "", "success": "Success",
	}),
}

// sigmaRequests are requests to web servers.
var sigmaRequests = &sigmaEvents{
	kind: ttpcron.HTTPRequest, name: "requests to web servers", usual: "requests to web servers", evidence: []string{"method", "raw_url", "user_agent"}, keywords: true,
	fields: payloadFields(map[string]string{
		"method": "cs-method http.request.method", "raw_url": "c-uri cs-uri cs-uri-query cs-uri-stem c-uri-query c-uri-stem url url.original url.path", "host": "cs-host url.domain",
		"user_agent": "cs-user-agent c-useragent c-user-agent cs-useragent user_agent.original", "status": "sc-status http.response.status_code",
		"headers.Referer": "cs-referer cs-referrer http.request.referrer", "headers.Cookie": "cs-cookie", "body": "cs-body http.request.body.content",
	}),
}

func payloadFields(spellings map[string]string) map[string]fieldRef {
	fields := map[string]fieldRef{}
	for name, others := range spellings {
		for _, s := range append(strings.Fields(others), name) {
			fields[s] = fieldRef{field: fieldPayload, name: name}
		}
	}
	return fields
}

// sigmaOutcomes are names of the field that says whether a login succeeded; sigmaOutcome
// has its values.
var (
	sigmaOutcomes = []string{"outcome", "event.outcome", "Outcome", "result", "Result", "status", "Status", "action", "event.action", "EventType", "event_type", "EventName"}
	sigmaOutcome  = func() map[string]string {
		values := map[string]string{}
		for success, spellings := range map[string]string{
			"true":  "success successful succeeded accepted allowed ok true login_success login_succeeded login.success successful_login authentication_success auth_success logged_in logged-in",
			"false": "failure failed fail denied rejected invalid false login_failure login_failed login.failed failed_login authentication_failure authentication_failed auth_failure auth_failed",
		} {
			for _, s := range strings.Fields(spellings) {
				values[s] = success
			}
		}
		return values
	}()
)

// sigmaSource finds the events of a log source, and the condition that all of them must
// satisfy. It refuses log sources without events.
func (r *ruleReader) sigmaSource(n *yaml.Node) (events *sigmaEvents, besides condition) {
	in := map[string]string{}
	for _, m := range r.members(n, "logsource") {
		if m.key == "product" || m.key == "category" || m.key == "service" {
			in[m.key] = strings.ToLower(r.optional(member{join("logsource", m.key), m.at, m.value}))
		}
	}
	product, category, service := in["product"], in["category"], in["service"]
	switch ours := product == "" || product == "linux"; {
	case product == "ttpcron":
		if category == "" {
			r.problem(n, "logsource.category", "is missing: the kind of events, such as auth_attempt")
			return nil, nil
		}
		return nativeEvents(ttpcron.SourceKind(category)), nil
	case ours && slices.Contains([]string{"auth", "authentication"}, category) && service == "":
		return sigmaLogins, nil
	case ours && slices.Contains([]string{"", "auth", "authentication"}, category) && slices.Contains(sigmaLoginServices, service):
		if service == "auth" {
			return sigmaLogins, nil
		}
		service = strings.TrimSuffix(service, "d")
		return sigmaLogins, fieldTest{fieldRef{field: fieldPayload, name: "service"}, &valueTest{equals: []string{service}}}
	case category == "webserver" && slices.Contains([]string{"", "linux", "apache", "nginx"}, product) && slices.Contains([]string{"", "apache", "nginx"}, service):
		return sigmaRequests, nil
	case product == "" && category == "process_creation": // of any product
	case product == "":
		r.problem(n, "logsource.product", "is missing, only linux is supported")
		return nil, nil
	case product != "linux":
		r.problem(n, "logsource.product", "%q, only linux is supported", shorten(product, 40))
		return nil, nil
	}
	if category != "" && category != "process_creation" {
		r.problem(n, "logsource.category", "%q is not shown by shell commands, only process_creation is", shorten(category, 40))
	} else if service != "" && !slices.Contains([]string{"bash", "sh", "shell", "zsh"}, service) {
		r.problem(n, "logsource.service", "%q is not shown by shell commands", shorten(service, 40))
	}
	return sigmaProcesses, nil
}

var sigmaLoginServices = []string{"auth", "sshd", "ssh", "telnetd", "telnet", "ftpd", "ftp"}

// nativeEvents are the events of a kind, under the names that they have here.
func nativeEvents(kind ttpcron.SourceKind) *sigmaEvents {
	e := &sigmaEvents{kind: kind, name: "events of kind " + shorten(string(kind), 40), keywords: patternFields[kind] != ""}
	if e.keywords {
		e.evidence = []string{patternFields[kind]}
	}
	return e
}

// field returns what a rule's field is here, or false if the events do not have it.
func (e *sigmaEvents) field(name string) (fieldRef, bool) {
	if e.fields == nil {
		return fieldRef{field: fieldPayload, name: name}, true
	}
	ref, ok := e.fields[name]
	return ref, ok
}

// sigmaOutcome reads a test of how an attempt to log in ended.
func (r *ruleReader) sigmaOutcome(m member, modifiers []string, field string) condition {
	if len(modifiers) > 0 {
		r.problem(m.at, field, "modifiers cannot stand here: the end of a login is success or failure")
		return nil
	}
	t := &valueTest{}
	for _, text := range r.texts(m.value, field) {
		success, ok := sigmaOutcome[strings.ToLower(text)]
		if !ok {
			r.problem(m.value, field, "%q says neither that a login succeeded nor that it failed", shorten(text, 40))
			return nil
		}
		if !slices.Contains(t.equals, success) {
			t.equals = append(t.equals, success)
		}
	}
	return fieldTest{fieldRef{field: fieldPayload, name: "success"}, t}
}
