package emulator

import (
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

//go:embed requirements.txt
var requirements string

// installLimit bounds the time for what is downloaded: 110 MB.
const installLimit = 5 * time.Minute

// install returns the Python that can run the server, having made it where that has not been done yet. It is that of a
// virtual environment in bin/emulator below the root of the module, named after all that makes it what it is.
func install(ctx context.Context, log io.Writer) (string, error) {
	base, version, err := findPython(ctx)
	if err != nil {
		return "", err
	}
	root, err := moduleRoot()
	if err != nil {
		return "", err
	}
	all := filepath.Join(root, "bin", "emulator")
	if err := os.MkdirAll(all, 0o755); err != nil {
		return "", err
	}
	held, err := lock(ctx, filepath.Join(all, "lock"))
	if err != nil {
		return "", err
	}
	defer func() { _ = held.Close() }()
	sum := sha256.Sum256([]byte(requirements + base + version))
	dir := filepath.Join(all, hex.EncodeToString(sum[:])[:12])
	python := filepath.Join(dir, "bin", "python")
	if _, err := os.Stat(python); err == nil {
		return python, nil
	}
	ctx, cancel := context.WithTimeout(ctx, installLimit)
	defer cancel()
	if err := build(ctx, log, base, dir+".new", held); err != nil {
		return "", fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return python, os.Rename(dir+".new", dir)
}

// build makes a virtual environment of base in dir, with what requirements.txt lists. What a build that was killed left
// there is removed first. Its commands hold the lock too: should this process be killed, nobody starts before they end.
func build(ctx context.Context, log io.Writer, base, dir string, lock *os.File) error {
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	file, err := os.CreateTemp("", "requirements-*.txt")
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(file.Name()) }()
	_, err = file.WriteString(requirements)
	if err := errors.Join(err, file.Close()); err != nil {
		return err
	}
	for _, args := range [][]string{
		{base, "-m", "venv", dir},
		{
			filepath.Join(dir, "bin", "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--retries", "2",
			"--no-deps", "--only-binary", ":all:", "--requirement", file.Name(),
		},
	} {
		said := &tail{to: log}
		cmd := exec.CommandContext(ctx, args[0], args[1:]...)
		cmd.Stdout, cmd.Stderr = said, said
		cmd.ExtraFiles = []*os.File{lock}
		if err := cmd.Run(); err != nil {
			return fmt.Errorf("%s: %w\n%s", strings.Join(args[:3], " "), errors.Join(err, ctx.Err()), said)
		}
	}
	return nil
}

// about prints what a Python is, where it can make virtual environments.
const about = "import sys, venv, ensurepip; print('%d.%d' % sys.version_info[:2], sys.version)"

// findPython returns a Python of the version that requirements.txt is for, and all that it says of its version.
// It runs each candidate: one that is on PATH may be a shim of a version manager without anything behind it.
func findPython(ctx context.Context) (path, version string, err error) {
	candidates := []string{os.Getenv("SEGMENTS_PYTHON"), "python3.13"}
	roots := []string{os.Getenv("PYENV_ROOT")}
	if home, err := os.UserHomeDir(); err == nil {
		roots = append(roots, filepath.Join(home, ".pyenv"))
	}
	for _, root := range roots {
		if root == "" {
			continue
		}
		found, err := filepath.Glob(filepath.Join(root, "versions", "3.13*", "bin", "python"))
		if err != nil {
			return "", "", err
		}
		candidates = append(candidates, found...)
	}
	for _, c := range append(candidates, "python3", "python") {
		if c == "" {
			continue
		}
		out, err := exec.CommandContext(ctx, c, "-I", "-c", about).Output()
		if version, ok := strings.CutPrefix(string(out), "3.13 "); err == nil && ok {
			return c, version, nil
		}
		if c == os.Getenv("SEGMENTS_PYTHON") {
			return "", "", fmt.Errorf("%w: SEGMENTS_PYTHON is %s, which is no Python 3.13 with venv: it says %q, %w", ErrUnavailable, c, out, err)
		}
	}
	return "", "", fmt.Errorf("%w: there is no Python 3.13 with venv; install it, or name it in SEGMENTS_PYTHON", ErrUnavailable)
}

// moduleRoot returns the folder of the go.mod above the working directory.
func moduleRoot() (string, error) {
	start, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for dir := start; ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		if dir == filepath.Dir(dir) {
			return "", fmt.Errorf("emulator: there is no go.mod at or above %s", start)
		}
	}
}

// lock waits until no other process holds the lock on the file path, and takes it until the file is closed.
func lock(ctx context.Context, path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	for {
		err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if err == nil {
			return f, nil
		}
		if !errors.Is(err, unix.EWOULDBLOCK) && !errors.Is(err, unix.EINTR) {
			_ = f.Close()
			return nil, fmt.Errorf("lock %s: %w", path, err)
		}
		select {
		case <-ctx.Done():
			_ = f.Close()
			return nil, fmt.Errorf("lock %s: %w", path, ctx.Err())
		case <-time.After(100 * time.Millisecond):
		}
	}
}
