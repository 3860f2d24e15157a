package duckdb

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"strings"

	"golang.org/x/sys/unix"

	"segments/pipeline/warehouse"
)

var (
	lockHeld = regexp.MustCompile(`Could not set lock on file "([^"]*)": Conflicting lock is held in (.*?)\. See also`)
	noObject = regexp.MustCompile(`^Catalog Error: (Table|View|Schema)\b.* does not exist|^Binder Error: Catalog .* does not exist` +
		`|^IO Error: No files found|^IO Error: Cannot open file .*No such file` +
		`|^Binder Error: (Referenced column .* not found|Table .* does not have a column|Values list .* does not have a column)`)
	diskFull = regexp.MustCompile(`No space left on device|Disk quota exceeded|max_temp_directory_size`)
	denied   = regexp.MustCompile(`Permission denied|Read-only file system`)
	badValue = regexp.MustCompile(`^(Conversion|Out of Range) Error`)
	ofValues = regexp.MustCompile(`^(Conversion|Out of Range|Invalid Input) Error`)
	quoted   = regexp.MustCompile(`(?s)\bfile "[^"\n]*"| (?:value )?(?:'.*'|".*"|['"].*)`) // as far as it goes: values hold quotes too
	number   = regexp.MustCompile(` value -?[0-9]\S*`)
	operands = regexp.MustCompile(` \([^()]*\)!`)
)

// errLocked says that another process has the file open.
var errLocked = fmt.Errorf("%w: the file is in use", warehouse.ErrTemporary)

// interrupted says why c is to stop, if it is.
func (c *conn) interrupted(ctx context.Context) error {
	if c.steady {
		return nil
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case <-c.d.closing:
		return errClosed
	default:
		return nil
	}
}

// failure makes an error of DuckDB's message about the query called name.
func (c *conn) failure(ctx context.Context, name, message string) error {
	err := c.interrupted(ctx)
	if err == nil {
		err = c.d.explain(message)
	}
	return fmt.Errorf("query %s: %w", name, err)
}

// explain makes an error of a kind that callers know of DuckDB's message, of which one line is shown.
func (d *db) explain(message string) error {
	line := firstLine(withoutValues(message))
	switch {
	case lockHeld.MatchString(message):
		m := lockHeld.FindStringSubmatch(message)
		return fmt.Errorf("%w: %s, by %s", errLocked, m[1], m[2])
	case diskFull.MatchString(message):
		return fmt.Errorf("%w: the disk is full (%s): %s", warehouse.ErrTemporary, freeSpace(d.path), line)
	case noObject.MatchString(line):
		return fmt.Errorf("%w: %s", warehouse.ErrNotFound, line)
	case denied.MatchString(message):
		return fmt.Errorf("%w: %s", warehouse.ErrPermission, line)
	case badValue.MatchString(line):
		return fmt.Errorf("%w: %s", warehouse.ErrBadData, line)
	case strings.HasPrefix(line, "Out of Memory"):
		return errors.New(line + "; raise memory in the warehouse's configuration")
	case strings.Contains(line, "WAL does not match database file"):
		return fmt.Errorf("%s: %s.wal was left by a writer of another file; if you replaced the database file, remove it", line, d.path)
	}
	return errors.New(line)
}

// withoutValues returns DuckDB's message without the customers' values that it quotes, or their numbers. The names of
// types and columns, which stand there without quotes, stay, and so do those of files.
func withoutValues(message string) string {
	if !ofValues.MatchString(message) {
		return message
	}
	message, _, _ = strings.Cut(message, "\n\nLINE ")
	message = quoted.ReplaceAllStringFunc(message, func(s string) string {
		if strings.HasPrefix(s, "file ") {
			return s
		}
		return " a value"
	})
	return operands.ReplaceAllString(number.ReplaceAllString(message, " a value"), "")
}

func firstLine(message string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(message), "\n")
	return line
}

// freeSpace says how much room there is where the file path is.
func freeSpace(path string) string {
	var s unix.Statfs_t
	if err := unix.Statfs(filepath.Dir(path), &s); err != nil {
		return "free space unknown"
	}
	const mb = 1 << 20
	return fmt.Sprintf("%d MB of %d MB free in %s", s.Bavail*uint64(s.Bsize)/mb, s.Blocks*uint64(s.Bsize)/mb, filepath.Dir(path))
}
