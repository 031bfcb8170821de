package importer

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"github.com/ttpcron/ttpcron"
)

// triggersQuery joins each trigger to its token, to its attacker, and, when it
// has none, to the attacker last seen at its address. SQLite keeps the addresses
// in an index of its own while it runs, so that nothing grows here.
func (r *decnetReader) triggersQuery() string {
	t, k, a := r.shape.triggers, r.shape.tokens, r.shape.attackers
	joins := ""
	recorded, resolved := map[string]bool{}, map[string]bool{}
	if t["token_uuid"] && k["uuid"] {
		joins += " LEFT JOIN canary_tokens k ON k.uuid = t.token_uuid"
	} else {
		k = nil
	}
	if t["attacker_id"] && a["uuid"] {
		recorded = a
		joins += " LEFT JOIN attackers a ON a.uuid = t.attacker_id"
	}
	if t["src_ip"] && a["uuid"] && a["ip"] {
		resolved = a
		joins += " LEFT JOIN (SELECT ip, uuid, " + optional(a, "x", "identity_id") + " AS identity_id, " +
			optional(a, "x", "country_code") + " AS country_code, max(coalesce(" + optional(a, "x", "last_seen") + ",''))" +
			" FROM attackers x WHERE ip IN (SELECT src_ip FROM canary_triggers) AND coalesce(uuid,'') <> '' GROUP BY ip) r ON r.ip = t.src_ip"
		if t["attacker_id"] {
			joins += " AND coalesce(t.attacker_id,'') = ''"
		}
	}
	return selectList("t.uuid", optional(t, "t", "token_uuid"), "t.occurred_at", optional(t, "t", "src_ip"),
		optional(t, "t", "user_agent"), optional(t, "t", "request_path"), optional(t, "t", "dns_qname"),
		optional(t, "t", "raw_headers"), optional(t, "t", "attacker_id"),
		optional(k, "k", "kind"), optional(k, "k", "generator"), optional(k, "k", "instrumenter"),
		optional(k, "k", "placement_path"), optional(k, "k", "decky_name"),
		optional(recorded, "a", "identity_id"), optional(recorded, "a", "country_code"),
		optional(resolved, "r", "uuid"), optional(resolved, "r", "identity_id"), optional(resolved, "r", "country_code"),
	) + " FROM canary_triggers t" + joins
}

// The columns of triggersQuery.
const (
	triggerUUID = iota + 1
	triggerToken
	triggerAt
	triggerIP
	triggerAgent
	triggerPath
	triggerDNS
	triggerHeaders
	triggerAttacker
	tokenKind
	tokenGenerator
	tokenInstrumenter
	tokenPlacement
	tokenDecky
	recordedIdentity
	recordedCountry
	resolvedUUID
	resolvedIdentity
	resolvedCountry
)

// trigger makes the event of one trigger.
func (r *decnetReader) trigger(c []column) {
	uuid := c[triggerUUID].text()
	where := func() string { return fmt.Sprintf("trigger %.80q", uuid) }
	at, ok := firstTime(c[triggerAt].raw)
	if !ok {
		r.reject(nil, fmt.Errorf("%s: occurred_at %.40q is not a time", where(), c[triggerAt].raw))
		return
	}
	e := ttpcron.Event{
		Kind: ttpcron.CanaryFingerprint, ID: uuid, Time: at, AttackerIP: plainAddress(c[triggerIP].text()),
		AttackerUUID: c[triggerAttacker].text(), IdentityUUID: c[recordedIdentity].text(),
		DeckyID: c[tokenDecky].text(),
	}
	country := c[recordedCountry].text()
	if e.AttackerUUID == "" && len(c[resolvedUUID].raw) > 0 {
		e.AttackerUUID, e.AttackerOrigin = c[resolvedUUID].text(), ttpcron.OriginResolved
		e.IdentityUUID, country = c[resolvedIdentity].text(), c[resolvedCountry].text()
	}
	for _, f := range []struct{ name, text string }{
		{"token_uuid", c[triggerToken].text()}, {"src_ip", e.AttackerIP}, {"user_agent", c[triggerAgent].text()},
		{"request_path", c[triggerPath].text()}, {"dns_qname", c[triggerDNS].text()},
		{"token_kind", c[tokenKind].text()}, {"generator", c[tokenGenerator].text()},
		{"instrumenter", c[tokenInstrumenter].text()}, {"placement_path", c[tokenPlacement].text()},
		{"decky_name", e.DeckyID}, {"country_code", country},
	} {
		if f.text != "" {
			e.Payload.Set(f.name, f.text)
		}
	}
	e.Payload.Set("ua_signature", c[triggerAgent].text())
	for i := range c {
		r.arena.size += len(c[i].raw)
	}
	if err := r.headers(&e, c[triggerHeaders].raw); err != nil {
		r.reject(c[triggerHeaders].raw, fmt.Errorf("%s is kept without its raw_headers: %w", where(), err))
	}
	r.add(e, c[triggerHeaders].raw, where)
}

// headers puts the headers as they were read into the payload.
func (r *decnetReader) headers(e *ttpcron.Event, raw []byte) error {
	raw = bytes.TrimSpace(raw)
	if len(raw) == 0 || string(raw) == "null" {
		return nil
	}
	if err := checkJSON(raw); err != nil {
		return err
	}
	if raw[0] != '{' {
		return errNoObject
	}
	err := e.Payload.SetRaw("headers", raw)
	if err != nil {
		return errors.New(strings.TrimPrefix(err.Error(), `payload field "headers": `))
	}
	return nil
}
