package k8s

import (
	"debug/elf"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// An instruction of a Dockerfile, and the stage that it is in, from 0.
type instruction struct {
	stage      int
	name, args string
}

// dockerfile reads ../Dockerfile.
func dockerfile(t *testing.T) []instruction {
	t.Helper()
	text, err := os.ReadFile("../Dockerfile")
	if err != nil {
		t.Fatal(err)
	}
	var all []instruction
	stage := -1
	for line := range strings.SplitSeq(strings.ReplaceAll(string(text), "\\\n", " "), "\n") {
		name, args, _ := strings.Cut(strings.TrimSpace(line), " ")
		if name == "" || strings.HasPrefix(name, "#") {
			continue
		}
		if name == "FROM" {
			stage++
		}
		all = append(all, instruction{stage, name, strings.TrimSpace(args)})
	}
	return all
}

// of returns the arguments of the instructions of that name in a stage.
func of(all []instruction, stage int, name string) []string {
	var args []string
	for _, i := range all {
		if i.stage == stage && i.name == name {
			args = append(args, i.args)
		}
	}
	return args
}

func TestDockerfile(t *testing.T) {
	all := dockerfile(t)
	if n := len(of(all, 0, "FROM")) + len(of(all, 1, "FROM")); n != 2 || all[len(all)-1].stage != 1 {
		t.Fatalf("%d stages, want two", n)
	}
	pinned := regexp.MustCompile(`^[A-Z_]+=[a-z0-9./-]+:([a-z0-9.-]+)$`)
	for i, arg := range of(all, -1, "ARG") {
		m := pinned.FindStringSubmatch(arg)
		if m == nil || m[1] == "latest" {
			t.Errorf("%s: want an image and its version", arg)
		}
		name, _, _ := strings.Cut(arg, "=")
		if from := of(all, i, "FROM"); len(from) != 1 || !strings.HasPrefix(from[0], "${"+name+"}") {
			t.Errorf("stage %d is FROM %q, want ${%s}", i, from, name)
		}
	}
	mod, err := os.ReadFile("../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	release := regexp.MustCompile(`(?m)^go (\d+\.\d+)`).FindStringSubmatch(string(mod))[1]
	if got := of(all, -1, "ARG")[0]; got != "GO_IMAGE=golang:"+release+"-bookworm" {
		t.Errorf("%s, and go.mod wants Go %s", got, release)
	}
	for name, want := range map[string]string{
		"USER": "65532:65532", "ENTRYPOINT": `["/usr/local/bin/segments"]`, "COPY": "--from=build /out/segments /usr/local/bin/segments",
	} {
		if got := of(all, 1, name); len(got) != 1 || got[0] != want {
			t.Errorf("%s %q, want %s", name, got, want)
		}
	}
	for _, forbidden := range []string{"RUN", "ADD", "CMD", "ENV", "EXPOSE", "SHELL", "HEALTHCHECK"} {
		if got := of(all, 1, forbidden); len(got) > 0 {
			t.Errorf("the image has %s %q", forbidden, got)
		}
	}
	labels := strings.Join(of(all, 1, "LABEL"), " ")
	for _, l := range []string{"title", "description", "licenses", "version", "revision"} {
		if !strings.Contains(labels, "org.opencontainers.image."+l+"=") {
			t.Errorf("the image has no label %s", l)
		}
	}
	base := strings.TrimPrefix(of(all, -1, "ARG")[1], "BASE_IMAGE=")
	if !strings.Contains(labels, `org.opencontainers.image.base.name="`+base+`"`) {
		t.Errorf("the label of the base image is not %s", base)
	}
}

// TestImageBuild does without a container engine what the Dockerfile says: it copies what is copied, runs the same go build,
// and runs the program as the image's user, where that may be arranged with nothing but the program in sight.
func TestImageBuild(t *testing.T) {
	if testing.Short() {
		t.Skip("the image's program is not built with -short")
	}
	if runtime.GOOS != "linux" {
		t.Skip("SKIPPED: the image's program is linked on Linux only")
	}
	all, src, root := dockerfile(t), t.TempDir(), t.TempDir()
	ignored, err := os.ReadFile("../.dockerignore")
	if err != nil {
		t.Fatal(err)
	}
	for _, args := range of(all, 0, "COPY") {
		names := strings.Fields(args)
		for _, name := range names[:len(names)-1] {
			if !slices.Contains(strings.Split(string(ignored), "\n"), "!"+strings.TrimSuffix(name, "/")) {
				t.Errorf("COPY %s: .dockerignore leaves it out", name)
			}
			copyTree(t, filepath.Join("..", name), filepath.Join(src, name))
		}
	}
	program := filepath.Join(root, "usr/local/bin/segments")
	build := ""
	for _, run := range of(all, 0, "RUN") {
		if strings.HasPrefix(run, "go build ") {
			build = strings.NewReplacer("/out/segments", program, "${VERSION}", "v1.2.3").Replace(run)
		}
	}
	cmd := exec.Command("sh", "-c", build)
	cmd.Dir = src
	cmd.Env = append(append(os.Environ(), "GOFLAGS=", "GOWORK=off"), of(all, 0, "ENV")...)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", build, err, out)
	}
	linked, err := elf.Open(program)
	if err != nil {
		t.Fatal(err)
	}
	defer linked.Close()
	for _, p := range linked.Progs {
		if p.Type == elf.PT_INTERP || p.Type == elf.PT_DYNAMIC {
			t.Errorf("it is not static: it has a segment %s", p.Type)
		}
	}
	tmp := filepath.Join(root, "tmp")
	if err := os.Mkdir(tmp, 0o755); err != nil {
		t.Fatal(err)
	}
	if os.Geteuid() == 0 {
		if err := os.Chown(tmp, 65532, 65532); err != nil {
			t.Fatal(err)
		}
	}
	if out := inImage(t, root, "version"); !strings.HasPrefix(out, "segments v1.2.3") {
		t.Errorf("version: %s", out)
	}
	if out := inImage(t, root, "demo", "--customers", "500", "--dir", "/tmp/demo"); !strings.Contains(out, "✓ published") {
		t.Errorf("demo: %s", out)
	}
	configuration := filepath.Join(tmp, "demo/segments.yaml")
	text, err := os.ReadFile(configuration)
	if err != nil {
		t.Fatal(err)
	}
	zone := strings.Replace(string(text), "\nname: demo\n", "\nname: demo\ntimezone: America/Santiago\n", 1) // without /usr/share/zoneinfo
	if err := os.WriteFile(configuration, []byte(zone), 0o644); err != nil {
		t.Fatal(err)
	}
	inImage(t, root, "check", "--config", "/tmp/demo/segments.yaml")
}

// inImage runs the program as 65532 below root, where there is nothing but /tmp; as whoever this is, if that is not root.
func inImage(t *testing.T, root string, args ...string) string {
	t.Helper()
	cmd := exec.Command(filepath.Join(root, "usr/local/bin/segments"), args...)
	cmd.Env = []string{"TMPDIR=/tmp"}
	if os.Geteuid() == 0 {
		cmd.Path, cmd.Dir = "/usr/local/bin/segments", "/tmp"
		cmd.SysProcAttr = &syscall.SysProcAttr{Chroot: root, Credential: &syscall.Credential{Uid: 65532, Gid: 65532}}
	} else {
		t.Log("not root: the program sees this machine's files")
		for i, a := range cmd.Args {
			if strings.HasPrefix(a, "/tmp/") {
				cmd.Args[i] = filepath.Join(root, a)
			}
		}
	}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("segments %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// copyTree copies a file or folder, but for what .dockerignore leaves out of every folder.
func copyTree(t *testing.T, from, to string) {
	t.Helper()
	err := filepath.WalkDir(from, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && d.Name() == "testdata" {
			return fs.SkipDir
		}
		rel, err := filepath.Rel(from, name)
		if err != nil || strings.HasSuffix(name, "_test.go") {
			return err
		}
		if d.IsDir() {
			return os.MkdirAll(filepath.Join(to, rel), 0o755)
		}
		data, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(to, rel), data, 0o644)
	})
	if err != nil {
		t.Fatal(err)
	}
}
