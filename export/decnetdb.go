package export

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	_ "modernc.org/sqlite" // the database
)

// decnetDB is the database of DECNET's master, read to learn which attackers and
// identities it has.
type decnetDB struct {
	db                    *sql.DB
	byIP, byUUID, byIdent *sql.Stmt

	// demands are the columns that a row of attackers must also have, besides those that
	// are always written.
	demands []decnetColumn
}

// decnetColumn is a column of a table, with its type as the table declares it.
type decnetColumn struct{ name, kind string }

// value is the column's value for a new row: an empty one of its type, or the time when
// the attacker was seen.
func (c *decnetColumn) value(at string) any {
	kind := strings.ToUpper(c.kind)
	has := func(parts ...string) bool {
		return slices.ContainsFunc(parts, func(part string) bool { return strings.Contains(kind, part) })
	}
	switch {
	case has("DATE", "TIME"):
		return at
	case has("INT", "REAL", "FLOA", "DOUB", "NUM", "DEC", "BOOL"):
		return number("0")
	case has("JSON"):
		return "[]"
	}
	return ""
}

// plainName is the form of the names that are written without quotes.
var plainName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// readDemands reads which columns attackers must have.
func (d *decnetDB) readDemands(ctx context.Context) error {
	rows, err := d.db.QueryContext(ctx, `SELECT name, type FROM pragma_table_info('attackers') WHERE "notnull" AND dflt_value IS NULL AND NOT pk ORDER BY cid`)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var c decnetColumn
		if err := rows.Scan(&c.name, &c.kind); err != nil {
			return err
		}
		if slices.Contains([]string{"uuid", "ip", "first_seen", "last_seen"}, c.name) {
			continue
		}
		if !plainName.MatchString(c.name) {
			return fmt.Errorf("its attackers need a value in the column %.80q", c.name)
		}
		d.demands = append(d.demands, c)
	}
	return rows.Err()
}

// readDECNET opens a database; nil if none is named. It writes neither to it nor next to
// it, where another user's file could keep the owner from writing.
func readDECNET(ctx context.Context, path string) (*decnetDB, error) {
	if path == "" {
		return nil, nil
	}
	real, err := filepath.EvalSymlinks(path)
	if err == nil {
		real, err = filepath.Abs(real)
	}
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	mode := "mode=ro&readonly_shm=1"
	if _, err := os.Stat(real + "-shm"); errors.Is(err, os.ErrNotExist) {
		if info, err := os.Stat(real + "-wal"); err == nil && info.Size() > 0 {
			return nil, fmt.Errorf("read %s: its owner was stopped hard, and a -wal file is left; start and stop DECNET, or give a backup", path)
		}
		mode = "mode=ro&immutable=1"
	}
	dsn := (&url.URL{Scheme: "file", Opaque: (&url.URL{Path: real}).EscapedPath()}).String() + "?" + mode +
		"&_defensive=1&_pragma=busy_timeout(5000)&_pragma=trusted_schema(0)&_pragma=query_only(1)&_pragma=cell_size_check(1)&_pragma=mmap_size(0)"
	db, err := sql.Open("sqlite", dsn)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	db.SetMaxOpenConns(1)
	d := &decnetDB{db: db}
	for _, q := range []struct {
		to   **sql.Stmt
		text string
	}{
		{&d.byUUID, "SELECT uuid FROM attackers WHERE uuid = ? LIMIT 1"},
		{&d.byIP, "SELECT uuid FROM attackers WHERE ip = ? ORDER BY uuid LIMIT 1"},
		{&d.byIdent, "SELECT uuid FROM attacker_identities WHERE uuid = ? LIMIT 1"},
	} {
		if *q.to, err = db.PrepareContext(ctx, q.text); err != nil && q.to != &d.byIdent {
			db.Close()
			return nil, fmt.Errorf("read %s: it is no database of DECNET's: %w", path, err)
		}
	}
	if err := d.readDemands(ctx); err != nil {
		db.Close()
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	return d, nil
}

func (d *decnetDB) close() { d.db.Close() }

// attacker is DECNET's UUID for an attacker with a UUID, which may be DECNET's own, and an
// address. It is empty if there is none.
func (d *decnetDB) attacker(ctx context.Context, uuid, ip string) (string, error) {
	if d == nil {
		return "", nil
	}
	theirs, err := one(ctx, d.byUUID, uuid)
	if theirs == "" && err == nil && ip != "" {
		theirs, err = one(ctx, d.byIP, ip)
	}
	return theirs, err
}

// identity reports whether DECNET has an identity.
func (d *decnetDB) identity(ctx context.Context, uuid string) (bool, error) {
	if d == nil || d.byIdent == nil || uuid == "" {
		return false, nil
	}
	theirs, err := one(ctx, d.byIdent, uuid)
	return theirs != "", err
}

func one(ctx context.Context, q *sql.Stmt, value string) (s string, err error) {
	if err = q.QueryRowContext(ctx, value).Scan(&s); errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	return s, err
}
