package export

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/ttpcron/ttpcron"
)

// A folder of days may exist from an earlier export. Its days within the present window
// are replaced, each at once, and removed if no tag is left; days outside stay. That is
// right only if the folder is our export of the same tags except for the window, and if
// the window consists of whole days: the marker shows the former. Readers of Parquet skip
// names that begin with an underscore.
const markerFile = "_ttpcron.json"

type marker struct {
	Format    string          `json:"format"`
	Selection json.RawMessage `json:"selection"`
}

// markerOf identifies the exported tags, whatever the window.
func markerOf(j *Job) ([]byte, error) {
	q := j.Query
	q.Window, q.UpTo = ttpcron.Window{}, 0
	selection := map[string]any{"release": j.Table.Release(), "passwords": j.Passwords}
	for name, value := range map[string]any{
		"attacker": q.Attacker, "networks": q.Networks, "session": q.Session, "sensor": q.Sensor, "technique": q.Technique, "tactics": q.Tactics, "rule": q.Rule,
		"min_confidence": q.MinConfidence, "min_levels": q.MinLevels, "levels": q.Levels, "arrived_after": q.ArrivedAfter, "made_since": q.MadeSince, "limit": q.Limit,
	} {
		// What was not asked for is left out, so that a release with more to ask for knows it.
		b, err := json.Marshal(value)
		if err != nil {
			return nil, err
		}
		switch string(b) {
		case `""`, "null", "[]", "0", `"0001-01-01T00:00:00Z"`:
		default:
			selection[name] = json.RawMessage(b)
		}
	}
	b, err := json.Marshal(selection)
	if err != nil {
		return nil, err
	}
	b, err = json.Marshal(marker{"parquet", b})
	return append(b, '\n'), err
}

func writeMarker(j *Job) error {
	b, err := markerOf(j)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(j.Path, markerFile), b, 0o666)
}

// checkPlace refuses, before anything is written, a folder that is not to be touched.
func checkPlace(j *Job) error {
	days, err := placedDays(j)
	if err != nil {
		return err
	}
	for day := range days {
		if w := j.Query.Window; w.Overlaps(day) && !w.Covers(day) {
			return fmt.Errorf("%s has all of %s, and a part of that day was asked for: begin and end with whole days, such as --since %s", j.To, day, day)
		}
	}
	return nil
}

// placedDays are the days in the folder that an export goes to.
func placedDays(j *Job) (map[ttpcron.Day]bool, error) {
	entries, err := os.ReadDir(j.To)
	if j.To == "" || errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if len(entries) == 0 {
		return nil, nil
	}
	is, err := os.ReadFile(filepath.Join(j.To, markerFile))
	var m marker
	if err != nil || json.Unmarshal(is, &m) != nil || m.Format != "parquet" {
		return nil, fmt.Errorf("%s holds files and is no Parquet export of ttpcron's: name another folder", j.To)
	}
	want, err := markerOf(j)
	if err != nil {
		return nil, err
	}
	if string(is) != string(want) {
		var asked marker
		_ = json.Unmarshal(want, &asked)
		return nil, fmt.Errorf("%s holds an export of other tags, %s, and %s are asked for: name another folder, or take that one away", j.To, m.Selection, asked.Selection)
	}
	days := map[ttpcron.Day]bool{}
	for _, e := range entries {
		if date, ok := strings.CutPrefix(e.Name(), dayPrefix); ok && e.IsDir() {
			if at, err := time.Parse(time.DateOnly, date); err == nil {
				days[ttpcron.DayOf(at)] = true
			}
		}
	}
	return days, nil
}

// placeDays puts the days that were written where they are to be.
func placeDays(j *Job) error {
	days, err := placedDays(j)
	if err != nil {
		return err
	}
	// Folders were made for the writer alone.
	mode, err := folderMode(j.Path)
	if err != nil {
		return err
	}
	entries, err := os.ReadDir(j.Path)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if e.IsDir() {
			if err := openFolder(filepath.Join(j.Path, e.Name()), mode); err != nil {
				return err
			}
		}
	}
	if _, err := os.Stat(j.To); errors.Is(err, fs.ErrNotExist) {
		if err := openFolder(j.Path, mode); err != nil {
			return err
		}
		return os.Rename(j.Path, j.To)
	}
	for _, e := range entries {
		if !e.IsDir() {
			continue
		}
		day, folder := e.Name(), filepath.Join(j.To, e.Name())
		if err := os.Mkdir(folder, mode); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
		if err := os.Rename(filepath.Join(j.Path, day, dayFile), filepath.Join(folder, dayFile)); err != nil {
			return err
		}
		if err := syncFolder(folder); err != nil {
			return err
		}
		at, _ := time.Parse(time.DateOnly, strings.TrimPrefix(day, dayPrefix))
		delete(days, ttpcron.DayOf(at))
	}
	gone, kept, err := takeOut(j, days)
	if err != nil {
		return err
	}
	if err := os.Rename(filepath.Join(j.Path, markerFile), filepath.Join(j.To, markerFile)); err != nil {
		return err
	}
	if gone > 0 {
		j.Note("days of %s without tags any more, taken out: %d", j.To, gone)
	}
	if kept > 0 {
		j.Note("days of %s outside of the window, left as they were: %d", j.To, kept)
	}
	return syncFolder(j.To)
}

// takeOut removes the days in the window that were not written again: they have no tags
// left.
func takeOut(j *Job, days map[ttpcron.Day]bool) (gone, kept int, err error) {
	for day := range days {
		if !j.Query.Window.Covers(day) {
			kept++
			continue
		}
		folder := filepath.Join(j.To, dayPrefix+day.String())
		if err := os.Remove(filepath.Join(folder, dayFile)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return gone, kept, err
		}
		if err := os.Remove(folder); err != nil {
			return gone, kept, fmt.Errorf("no tag of %s is left, but there is something else than an export in its folder: %w", day, err)
		}
		gone++
	}
	return gone, kept, nil
}

// folderMode is what a folder that anybody makes is allowed here.
func folderMode(beside string) (fs.FileMode, error) {
	probe := filepath.Join(beside, ".mode")
	if err := os.Mkdir(probe, 0o777); err != nil {
		return 0, err
	}
	info, err := os.Stat(probe)
	if err != nil {
		return 0, err
	}
	return info.Mode().Perm(), os.Remove(probe)
}

func openFolder(path string, mode fs.FileMode) error {
	if err := os.Chmod(path, mode); err != nil {
		return err
	}
	return syncFolder(path)
}

func syncFolder(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}
