package importer

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/jsontext"
)

// triggersQuery reads a trigger with its token, its attacker, and, when it has
// none, the attacker last seen at its address.
func (r *decnetReader) triggersQuery() rowQuery {
	t, k, a := r.shape.triggers, r.shape.tokens, r.shape.attackers
	links := r.links()
	if !links.token {
		k = nil
	}
	recorded, resolved := a, a
	if !links.recorded {
		recorded = nil
	}
	if !links.resolved {
		resolved = nil
	}
	return rowQuery{
		table: "canary_triggers", alias: "t",
		columns: []string{"t.uuid", optional(t, "t", "token_uuid"), "t.occurred_at", optional(t, "t", "src_ip"),
			optional(t, "t", "user_agent"), optional(t, "t", "request_path"), optional(t, "t", "dns_qname"),
			optional(t, "t", "raw_headers"), optional(t, "t", "attacker_id"),
			optional(k, "k", "kind"), optional(k, "k", "generator"), optional(k, "k", "instrumenter"),
			optional(k, "k", "placement_path"), optional(k, "k", "decky_name"),
			optional(recorded, "a", "identity_id"), optional(recorded, "a", "country_code"),
			optional(resolved, "r", "uuid"), optional(resolved, "r", "identity_id"), optional(resolved, "r", "country_code")},
		joins: []rowJoin{
			{table: "canary_tokens", alias: "k", on: "k.uuid = t.token_uuid", absent: !links.token},
			{table: "attackers", alias: "a", on: "a.uuid = t.attacker_id", absent: !links.recorded},
			r.lastSeen(links),
		},
	}
}

// triggerLinks says to what triggers can be joined.
type triggerLinks struct{ token, recorded, resolved bool }

func (r *decnetReader) links() triggerLinks {
	t, k, a := r.shape.triggers, r.shape.tokens, r.shape.attackers
	return triggerLinks{t["token_uuid"] && k["uuid"], t["attacker_id"] && a["uuid"], t["src_ip"] && a["uuid"] && a["ip"]}
}

// lastSeen joins the attacker last seen at a trigger's address, if the trigger has none.
func (r *decnetReader) lastSeen(links triggerLinks) rowJoin {
	seen, free := optional(r.shape.attackers, "x", "last_seen"), ""
	if links.recorded {
		free = " AND coalesce(t.attacker_id,'') = ''"
	}
	return rowJoin{
		table: "attackers", alias: "r", absent: !links.resolved,
		on: fmt.Sprintf("r.uuid = (SELECT x.uuid FROM attackers x WHERE x.ip = t.src_ip AND coalesce(x.uuid,'') <> '' ORDER BY %s DESC LIMIT 1)%s", seen, free),
		find: fmt.Sprintf("(SELECT ip, id, max(seen) FROM (SELECT ip, _rowid_ AS id, CASE WHEN octet_length(%[1]s) <= %[2]d THEN %[1]s ELSE '' END AS seen"+
			" FROM attackers x WHERE octet_length(ip) <= %[2]d AND coalesce(uuid,'') <> '' LIMIT %[3]s) GROUP BY ip) r ON r.ip = t.src_ip%[4]s", seen, maxKey, allRows, free),
		id: "r.id",
	}
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

func (r *decnetReader) trigger(c []column) {
	uuid := c[triggerUUID].text()
	where := func() string { return fmt.Sprintf("trigger %.80q", uuid) }
	at, ok := firstTime(c[triggerAt].raw)
	if !ok {
		r.reject(uuid, c[triggerAt].raw, fmt.Errorf("%s: occurred_at %.40q is not a time", where(), c[triggerAt].raw), "occurred_at")
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
	e.NameNobody()
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
		r.reject(uuid, c[triggerHeaders].raw, fmt.Errorf("%s is kept without its raw_headers: %w", where(), err), "raw_headers")
	}
	r.add(e, uuid, c[triggerHeaders].raw, where)
}

// maxHeadersDepth leaves room for the event and the payload around the headers: deeper
// ones could not be read back.
const maxHeadersDepth = maxDepth - 2

// headers puts the headers into the payload unchanged.
func (r *decnetReader) headers(e *ttpcron.Event, raw []byte) error {
	raw = bytes.TrimSpace(raw)
	if len(raw) == 0 || string(raw) == "null" {
		return nil
	}
	s := jsontext.Scanner{MaxDepth: maxHeadersDepth}
	s.Reset(raw)
	if err := s.End(); err != nil {
		return err
	}
	if raw[0] != '{' {
		return jsontext.ErrNotObject
	}
	err := e.Payload.SetRaw("headers", raw)
	if err != nil {
		return errors.New(strings.TrimPrefix(err.Error(), `payload field "headers": `))
	}
	return nil
}
