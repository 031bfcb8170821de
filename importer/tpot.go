package importer

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// T-Pot keeps the logs of its sensors in one folder, ~/tpotce/data or /data. Each sensor has a
// folder there, with its logs in the folder log. See
// https://github.com/telekom-security/tpotce, docker-compose.yml.

// tpotSensors are the folders in T-Pot's folder that show what attackers did.
var tpotSensors = []string{
	"adbhoney", "beelzebub", "ciscoasa", "citrixhoneypot", "conpot", "cowrie", "ddospot", "dicompot", "dionaea", "elasticpot",
	"endlessh", "galah", "glutton", "go-pot", "h0neytr4p", "hellpot", "heralding", "honeyaml", "honeypots", "honeysap", "honeytrap",
	"ipphoney", "log4pot", "mailoney", "medpot", "miniprint", "rdpy", "redishoneypot", "sentrypeer", "suricata", "tanner", "wordpot",
}

// tpotOthers are the folders in T-Pot's folder that are not read, and why.
var tpotOthers = map[string]string{
	"blackhole":  "T-Pot's list of mass scanners, not a log",
	"elk":        "T-Pot's Elasticsearch: the logs that it was made from are in the other folders",
	"ews":        "T-Pot's own reports to others",
	"fatt":       "a log of fingerprints, not of what attackers did",
	"nginx":      "T-Pot's own web server: its visitors use T-Pot",
	"p0f":        "a log of fingerprints, not of what attackers did",
	"spiderfoot": "searches of those who use T-Pot",
	"tpot":       "T-Pot's own",
}

// tpotDatabases are the databases that T-Pot documents. In T-Pot's folder they count as
// named by the user.
var tpotDatabases = map[string]bool{
	"dionaea/log/dionaea.sqlite": true,
}

// minTpotSensors is how many sensors a folder has to have to count as T-Pot's.
const minTpotSensors = 3

// isTpot reports whether a folder is the one in which T-Pot keeps its data.
func isTpot(folder string) bool {
	n := 0
	for _, sensor := range tpotSensors {
		if info, err := os.Lstat(filepath.Join(folder, sensor, "log")); err == nil && info.IsDir() {
			n++
		}
	}
	return n >= minTpotSensors
}

// tpotFolder remembers whether the folders that a scan meets are T-Pot's.
type tpotFolder struct {
	known map[string]bool
}

// is is isTpot, with its answers remembered.
func (t *tpotFolder) is(folder string) bool {
	yes, ok := t.known[folder]
	if !ok {
		if t.known == nil {
			t.known = map[string]bool{}
		}
		yes = isTpot(folder)
		t.known[folder] = yes
	}
	return yes
}

// leaves says why a folder or file in T-Pot's folder is not read, empty if it is.
func (t *tpotFolder) leaves(path string, d fs.DirEntry) string {
	switch reason := tpotOthers[d.Name()]; {
	case d.IsDir() && reason != "" && t.is(filepath.Dir(path)):
		return "it is " + reason
	case !d.IsDir() && (strings.HasSuffix(d.Name(), ".tgz") || strings.HasSuffix(d.Name(), ".tar.gz")) && t.sensor(path) != "":
		return "it is an archive of captured files, and was not opened"
	}
	return ""
}

// sensor returns the sensor's folder in T-Pot's folder that contains a path, empty if none.
func (t *tpotFolder) sensor(path string) string {
	for folder, above := filepath.Dir(path), ""; above != folder; folder = above {
		if above = filepath.Dir(folder); t.is(above) {
			return folder
		}
	}
	return ""
}

// names reports whether a file is a database that T-Pot documents.
func (t *tpotFolder) names(path string) bool {
	log := filepath.Dir(path)
	sensor := filepath.Dir(log)
	short := filepath.Base(sensor) + "/" + filepath.Base(log) + "/" + filepath.Base(path)
	return tpotDatabases[short] && t.is(filepath.Dir(sensor))
}
