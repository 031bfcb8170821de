package ttpcron

import "testing"

func TestSelectAttacker(t *testing.T) {
	for _, tt := range []struct {
		name    string
		yes, no []string
	}{
		{name: "203.0.113.7", yes: []string{"203.0.113.7", "::ffff:203.0.113.7", "::FFFF:203.0.113.7", DeriveAttacker("203.0.113.7")}, no: []string{"203.0.113.77", "", "203.0.113"}},
		{name: "::ffff:203.0.113.7", yes: []string{"203.0.113.7", "::ffff:203.0.113.7", DeriveAttacker("203.0.113.7")}, no: []string{"203.0.113.8"}},
		{name: "2001:DB8:0::7", yes: []string{"2001:db8::7", "2001:DB8::7", "2001:DB8:0::7", "2001:0db8:0000:0000:0000:0000:0000:0007", DeriveAttacker("2001:db8::7"), DeriveAttacker("2001:0DB8::0007")}, no: []string{"2001:db8::8", "::7"}},
		{name: "9AA491E5-F03B-5D8F-9EB5-161BECEDCDD6", yes: []string{"9aa491e5-f03b-5d8f-9eb5-161becedcdd6", "9AA491E5-F03B-5D8F-9EB5-161BECEDCDD6"}, no: []string{"9aa491e5"}},
		{name: "Bot-7", yes: []string{"Bot-7"}, no: []string{"bot-7", DeriveAttacker("Bot-7")}},
	} {
		var q TagQuery
		q.SelectAttacker(tt.name)
		for _, name := range tt.yes {
			if tag := (Tag{AttackerIP: name}); !q.MatchEvent(&tag) {
				t.Errorf("%s does not select the address %s", tt.name, name)
			}
			if tag := (Tag{AttackerUUID: name}); !q.MatchEvent(&tag) {
				t.Errorf("%s does not select the attacker %s", tt.name, name)
			}
		}
		for _, name := range tt.no {
			if tag := (Tag{AttackerIP: name, IdentityUUID: name}); q.MatchEvent(&tag) {
				t.Errorf("%s selects %s", tt.name, name)
			}
		}
	}
}
