package scout

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"unicode/utf8"
)

// errEncoding is of text files in encodings such as Windows-1252, which DuckDB does not read.
var errEncoding = errors.New("it is not UTF-8: iconv -f WINDOWS-1252 -t UTF-8 OLD > NEW")

// The encodings that the first lines of a file tell apart.
const (
	isUTF8   = "utf-8"
	isUTF16  = "utf-16"
	isOther  = "latin-1" // or one of its many kin
	isHidden = ""        // of compressed files, and of those that nobody can read
)

// encoding returns what the first lines of the text file are written in.
func encoding(path string) string {
	if ext := strings.ToLower(filepath.Ext(path)); ext != ".csv" && ext != ".tsv" && ext != ".txt" {
		return isHidden
	}
	f, err := os.Open(path)
	if err != nil {
		return isHidden
	}
	defer func() { _ = f.Close() }() // it is only read
	head, err := io.ReadAll(io.LimitReader(f, 1<<20))
	if err != nil {
		return isHidden
	}
	if i := bytes.LastIndexByte(head, '\n'); i >= 0 {
		head = head[:i] // the last line may end within a character
	}
	switch {
	case bytes.Contains(head, []byte{0}):
		return isUTF16
	case utf8.Valid(head):
		return isUTF8
	}
	return isOther
}
