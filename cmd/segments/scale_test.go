//go:build linux

package main

import (
	"bufio"
	"cmp"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/duckdb/duckdb-go/v2"
)

// scaleConfig is the configuration of the run. scaleSettings are the same of DuckDB's for the bare aggregation.
const scaleConfig = `
name: scale
warehouse:
  duckdb: {path: scale.duckdb, memory: 4GB, threads: 2}
sources:
  orders:
    from: orders
    columns: {order_id: order_id, customer_id: customer_id, ordered_at: ordered_at, amount: amount}
currency: {code: EUR}
`

var scaleSettings = []string{"SET memory_limit = '4GB'", "SET threads = 2"}

// scaleMemory is the most that a run of any size may have resident.
const scaleMemory = 6 << 30

// scaleDays and scaleEnd are the length of the history and its last day.
const (
	scaleDays = 730
	scaleEnd  = "2025-06-30"
)

// scaleOrders makes $customers customers with about 10 orders each, the same ones every time. The customers are like those
// of a buy-till-you-die model: each begins on a day of the history, buys at a rate of their own, which is log-normal, and
// leaves after an exponential time. Half have up to 4 orders, one in ten over 22, one in a hundred over 93, at most 500. Amounts
// are log-normal within and between customers. The rows lie in the order of time, as those of a shop do.
const scaleOrders = `
CREATE TABLE orders AS
WITH
  chance AS (
    SELECT i, list_transform([1, 2, 3, 4, 5, 6, 7], k -> (hash(8 * i + k) + 1) / 18446744073709551617) AS u
    FROM range($customers) AS r(i)
  ),
  customers AS (
    SELECT
      i, u[1] * $days AS first,
      exp(-3.89 + 1.2 * sqrt(-2 * ln(u[2])) * cos(2 * pi() * u[3])) AS rate,
      least(-400 * ln(u[4]), $days * (1 - u[1])) AS active,
      3.4 + 0.5 * sqrt(-2 * ln(u[5])) * cos(2 * pi() * u[6]) AS mean_log,
      u[7] AS rest
    FROM chance
  ),
  numbered AS (
    SELECT *, unnest(range(least(500, 1 + CAST(floor(rate * active + rest) AS BIGINT)))) AS j FROM customers
  ),
  orders AS (
    SELECT
      *, (hash(-4 * (512 * i + j) - 1) + 1) / 18446744073709551617 AS u,
      (hash(-4 * (512 * i + j) - 2) + 1) / 18446744073709551617 AS v,
      (hash(-4 * (512 * i + j) - 3) + 1) / 18446744073709551617 AS w
    FROM numbered
  )
SELECT
  printf('O%08d%03d', i, j) AS order_id,
  printf('C%08d', i) AS customer_id,
  date_trunc('second',
    CAST($end AS TIMESTAMP) + INTERVAL 1 DAY - to_seconds(86400.0 * ($days - first - if(j = 0, 0, u * active)))) AS ordered_at,
  CAST(exp(mean_log + 0.6 * sqrt(-2 * ln(v)) * cos(2 * pi() * w)) AS DECIMAL(12, 2)) AS amount
FROM orders
ORDER BY ordered_at, order_id`

// scaleBare is what the whole job is held against: the aggregation of the orders to a table alone.
const scaleBare = `
CREATE OR REPLACE TABLE bare AS
SELECT
  customer_id, count(*) AS orders, count(DISTINCT CAST(ordered_at AS DATE)) AS purchase_days, sum(amount) AS amount,
  min(CAST(ordered_at AS DATE)) AS first_day, max(CAST(ordered_at AS DATE)) AS last_day
FROM orders
GROUP BY customer_id`

// TestScale runs the built command on as many customers as SEGMENTS_SCALE says and prints the tables of docs/benchmarks.md.
// SEGMENTS_SCALE_DIR is where the orders lie, to be used again; without it they are made in a folder that is removed.
func TestScale(t *testing.T) {
	customers, err := strconv.ParseInt(os.Getenv("SEGMENTS_SCALE"), 10, 64)
	if err != nil {
		t.Skip("set SEGMENTS_SCALE to a number of customers, such as 5000000, to run the whole job on so many")
	}
	root := cmp.Or(os.Getenv("SEGMENTS_SCALE_DIR"), t.TempDir())
	dir := filepath.Join(root, strconv.FormatInt(customers, 10))
	must(t, os.MkdirAll(dir, 0o755))
	file := filepath.Join(dir, "scale.duckdb")
	if _, err := os.Stat(file + ".orders"); errors.Is(err, fs.ErrNotExist) {
		makeOrders(t, file+".orders", customers)
	}
	must(t, exec.Command("cp", file+".orders", file).Run())
	binary := filepath.Join(t.TempDir(), "segments")
	if out, err := exec.Command("go", "build", "-o", binary, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}

	bare := aggregate(t, file+".orders")
	yaml := filepath.Join(dir, "segments.yaml")
	must(t, os.WriteFile(yaml, []byte(scaleConfig), 0o644))
	c := exec.Command(binary, "run", "-c", yaml, "--as-of", scaleEnd)
	c.Env = append(os.Environ(), "GOMAXPROCS=2")
	m := measure(t, c, file+".staging")
	t.Log("\n" + m.String())
	t.Logf("DuckDB's bare aggregation of the same orders: %.1f s and %.1f CPU s; the whole job takes %.1f and %.1f times that",
		bare.wall.Seconds(), bare.cpu.Seconds(), m.wall.Seconds()/bare.wall.Seconds(), m.cpu.Seconds()/bare.cpu.Seconds())
	for _, f := range []string{file + ".orders", file} {
		s, err := os.Stat(f)
		must(t, err)
		t.Logf("%s: %.2f GB", filepath.Base(f), float64(s.Size())/1e9)
	}
	if peak := m.peak(); peak > scaleMemory {
		t.Errorf("%.2f GiB were resident, want at most %d", gib(peak), scaleMemory>>30)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// openScale opens the file for statements with the settings of the run.
func openScale(t *testing.T, file string) *sql.DB {
	t.Helper()
	connector, err := duckdb.NewConnector(file, nil)
	must(t, err)
	db := sql.OpenDB(connector)
	db.SetMaxOpenConns(1)
	for _, s := range scaleSettings {
		_, err := db.Exec(s)
		must(t, err)
	}
	return db
}

// makeOrders makes the file with the orders, under another name until it is whole.
func makeOrders(t *testing.T, file string, customers int64) {
	t.Helper()
	part := file + ".part"
	_ = os.Remove(part) // of a run that was stopped
	db := openScale(t, part)
	_, err := db.Exec(scaleOrders, sql.Named("customers", customers), sql.Named("days", scaleDays), sql.Named("end", scaleEnd))
	must(t, err)
	must(t, db.Close())
	must(t, os.Rename(part, file))
}

// A duration is time on the wall, and of the CPUs.
type duration struct{ wall, cpu time.Duration }

// aggregate returns how long the bare aggregation takes, and says what the orders are like.
func aggregate(t *testing.T, file string) duration {
	t.Helper()
	db := openScale(t, file)
	defer db.Close()
	begin, used := time.Now(), processTimes(os.Getpid())
	_, err := db.Exec(scaleBare)
	must(t, err)
	took := duration{time.Since(begin), time.Duration((processTimes(os.Getpid()) - used) * float64(time.Second))}
	var customers, orders, once, most int64
	must(t, db.QueryRow("SELECT count(*), CAST(sum(orders) AS BIGINT), count(*) FILTER (orders = 1), max(orders) FROM bare").
		Scan(&customers, &orders, &once, &most))
	t.Logf("%d customers with %d orders; %d with one order, the most a customer has are %d", customers, orders, once, most)
	_, err = db.Exec("DROP TABLE bare")
	must(t, err)
	return took
}

// A scaleStep is one or more steps of the same name, as the log has them.
type scaleStep struct {
	name    string
	times   int
	seconds float64
	cpu     float64 // seconds
	peak    int64   // bytes resident
}

type measurement struct {
	steps []scaleStep
	duration
	staging int64 // the most bytes that the staging folder had
}

func (m *measurement) peak() int64 {
	var peak int64
	for _, s := range m.steps {
		peak = max(peak, s.peak)
	}
	return peak
}

func (m *measurement) String() string {
	var b strings.Builder
	b.WriteString("| step | times | seconds | CPU seconds | peak resident, GiB |\n|---|--:|--:|--:|--:|\n")
	for _, s := range m.steps {
		fmt.Fprintf(&b, "| %s | %d | %.1f | %.1f | %.2f |\n", s.name, s.times, s.seconds, s.cpu, gib(s.peak))
	}
	fmt.Fprintf(&b, "| whole job | | %.1f | %.1f | %.2f |\n\nThe staging folder had %.2f GB at most.\n",
		m.wall.Seconds(), m.cpu.Seconds(), gib(m.peak()), float64(m.staging)/1e9)
	return b.String()
}

func gib(bytes int64) float64 { return float64(bytes) / (1 << 30) }

var scaleDate = regexp.MustCompile(`( as of)? \d{4}-\d\d-\d\d$`)

// measure runs c. After each step that it logs, the kernel's peak of the resident memory is read and begun anew.
func measure(t *testing.T, c *exec.Cmd, staging string) *measurement {
	t.Helper()
	log, err := c.StderrPipe()
	must(t, err)
	begin := time.Now()
	must(t, c.Start())
	m, stop, stopped := &measurement{}, make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			m.staging = max(m.staging, folderSize(staging))
			select {
			case <-stop:
				return
			case <-time.After(200 * time.Millisecond):
			}
		}
	}()
	last, used := "", 0.0
	for lines := bufio.NewScanner(log); lines.Scan(); {
		var line struct {
			Msg, Step string
			Seconds   float64
		}
		if json.Unmarshal(lines.Bytes(), &line) != nil || line.Msg != "step" {
			last += lines.Text() + "\n"
			continue
		}
		cpu, peak := processTimes(c.Process.Pid), peakResident(c.Process.Pid)
		m.add(scaleStep{scaleDate.ReplaceAllString(line.Step, ""), 1, line.Seconds, max(cpu-used, 0), peak})
		used = max(cpu, used)
	}
	err = c.Wait()
	m.wall, m.cpu = time.Since(begin), c.ProcessState.UserTime()+c.ProcessState.SystemTime()
	close(stop)
	<-stopped
	t.Log(last)
	must(t, err)
	return m
}

func (m *measurement) add(s scaleStep) {
	for i := range m.steps {
		if to := &m.steps[i]; to.name == s.name {
			to.times, to.seconds, to.cpu, to.peak = to.times+s.times, to.seconds+s.seconds, to.cpu+s.cpu, max(to.peak, s.peak)
			return
		}
	}
	m.steps = append(m.steps, s)
}

// processTimes returns the CPU seconds that the process has used; 0 where it has ended.
func processTimes(pid int) float64 {
	stat, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	_, rest, _ := strings.Cut(string(stat), ") ") // after the name: state is field 3, utime and stime are 14 and 15, in 1/100 s
	fields := strings.Fields(rest)
	if len(fields) < 13 {
		return 0
	}
	user, _ := strconv.ParseFloat(fields[11], 64)
	system, _ := strconv.ParseFloat(fields[12], 64)
	return (user + system) / 100
}

// peakResident returns the most memory that the process had resident since it was last asked; 0 where it has ended.
func peakResident(pid int) int64 {
	status, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	_, rest, _ := strings.Cut(string(status), "VmHWM:")
	var kib int64
	_, _ = fmt.Sscan(rest, &kib)
	_ = os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", pid), []byte("5"), 0)
	return kib << 10
}

func folderSize(dir string) (bytes int64) {
	_ = filepath.WalkDir(dir, func(_ string, e fs.DirEntry, err error) error { // files come and go
		if err == nil && !e.IsDir() {
			if info, err := e.Info(); err == nil {
				bytes += info.Size()
			}
		}
		return nil
	})
	return bytes
}
