package k8s

import (
	"encoding/json"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/robfig/cron/v3"
	"github.com/santhosh-tekuri/jsonschema/v6"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"
	"sigs.k8s.io/yaml"

	"segments/pipeline/config"
)

// findings is what is wrong with manifests.
type findings []string

// want adds a finding unless ok.
func (f *findings) want(ok bool, format string, args ...any) {
	if !ok {
		*f = append(*f, fmt.Sprintf(format, args...))
	}
}

// violations holds a rendered stream against everything below. finals are the exit codes after which a try is no use.
func violations(t *testing.T, stream string, finals []int32) findings {
	t.Helper()
	m, err := decode(stream)
	if err != nil {
		return findings{err.Error()}
	}
	var f findings
	f.want(len(m.cronJobs) == 1 && len(m.configs) == 1 && len(m.policies) == 1 && len(m.accounts) == 1 && len(m.namespaces) == 1,
		"want one CronJob, ConfigMap, NetworkPolicy, ServiceAccount and Namespace each")
	if f != nil {
		return f
	}
	c := f.config(t, m.configs[0])
	if c == nil {
		return f
	}
	f.namespace(m)
	f.cronJob(m.cronJobs[0].Name, m.cronJobs[0].Spec, c.Location())
	for _, j := range m.jobs {
		f.backfill(j)
	}
	for _, p := range m.pods() {
		f.job(p, finals)
		f.security(p)
		f.pod(p, m, c)
		f.volumes(p, m)
		f.network(p, m.policies[0], c)
	}
	return f
}

// config reads the configuration as the program does, and holds it against the schema too, which knows the sections of
// warehouses and transforms.
func (f *findings) config(t *testing.T, m corev1.ConfigMap) *config.Config {
	t.Helper()
	text, file := m.Data["segments.yaml"], filepath.Join(t.TempDir(), "segments.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := config.Load(file)
	if err != nil {
		f.want(false, "ConfigMap: %v", err)
		return nil
	}
	schema, err := jsonschema.NewCompiler().Compile("../docs/config.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	var value any
	if err := yaml.Unmarshal([]byte(text), &value); err != nil {
		t.Fatal(err)
	}
	err = schema.Validate(value)
	f.want(err == nil, "ConfigMap: docs/config.schema.json: %v", err)
	return c
}

func (f *findings) namespace(m *manifests) {
	ns := m.namespaces[0]
	f.want(ns.Labels["pod-security.kubernetes.io/enforce"] == "restricted", "Namespace: it does not enforce the restricted profile")
	spaces := []string{m.configs[0].Namespace, m.policies[0].Namespace, m.accounts[0].Namespace, m.cronJobs[0].Namespace}
	for _, j := range m.jobs {
		spaces = append(spaces, j.Namespace)
	}
	for _, c := range m.claims {
		spaces = append(spaces, c.Namespace)
	}
	for _, s := range spaces {
		f.want(s == ns.Name, "an object is in namespace %q, not in %q", s, ns.Name)
	}
	token := m.accounts[0].AutomountServiceAccountToken
	f.want(token != nil && !*token, "ServiceAccount: its token is mounted")
}

// cronJob checks the schedule: in UTC, one at a time, at an end before the next, and each day of loc once.
func (f *findings) cronJob(name string, s batchv1.CronJobSpec, loc *time.Location) {
	f.want(len(name) <= 52, "CronJob: %d letters are too many for the name", len(name))
	f.want(s.ConcurrencyPolicy == batchv1.ForbidConcurrent, "CronJob: concurrencyPolicy %q, want Forbid", s.ConcurrencyPolicy)
	f.want(s.TimeZone != nil && *s.TimeZone == "Etc/UTC", "CronJob: timeZone is not Etc/UTC")
	f.want(s.Suspend == nil || !*s.Suspend, "CronJob: it is suspended")
	f.want(s.SuccessfulJobsHistoryLimit != nil && s.FailedJobsHistoryLimit != nil && *s.FailedJobsHistoryLimit > 0,
		"CronJob: no history limits")
	deadline := s.JobTemplate.Spec.ActiveDeadlineSeconds
	if s.StartingDeadlineSeconds == nil || deadline == nil {
		f.want(false, "CronJob: startingDeadlineSeconds or activeDeadlineSeconds is missing")
	} else {
		f.want(*s.StartingDeadlineSeconds >= 3600 && *s.StartingDeadlineSeconds+*deadline < 24*3600,
			"CronJob: a late run has no hour to start, or is not over before the next one")
	}
	schedule, err := cron.ParseStandard(s.Schedule)
	if err != nil {
		f.want(false, "CronJob: schedule %q: %v", s.Schedule, err)
		return
	}
	var last time.Time
	for at := schedule.Next(time.Date(2026, time.January, 1, 0, 0, 0, 0, time.UTC)); at.Year() < 2030; at = schedule.Next(at) {
		y, m, d := at.In(loc).Date()
		day := time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
		if !last.IsZero() && !day.Equal(last.AddDate(0, 0, 1)) {
			f.want(false, "CronJob: schedule %q: in %s %s comes after %s", s.Schedule, loc, day.Format(time.DateOnly), last.Format(time.DateOnly))
			return
		}
		last = day
	}
}

// backfill checks an Indexed Job: one index after the other, as many as there are days.
func (f *findings) backfill(j batchv1.Job) {
	s, args := j.Spec, j.Spec.Template.Spec.Containers[0].Args
	value := func(flag string) string {
		i := slices.Index(args, flag)
		if i < 0 || i+1 == len(args) {
			return ""
		}
		return args[i+1]
	}
	from, err1 := time.Parse(time.DateOnly, value("--from"))
	to, err2 := time.Parse(time.DateOnly, value("--to"))
	f.want(len(args) > 0 && args[0] == "backfill" && err1 == nil && err2 == nil, "Job: args %q, want backfill --from DAY --to DAY", args)
	f.want(s.CompletionMode != nil && *s.CompletionMode == batchv1.IndexedCompletion, "Job: completionMode is not Indexed")
	f.want(s.Parallelism != nil && *s.Parallelism == 1, "Job: parallelism is not 1")
	f.want(s.BackoffLimitPerIndex == nil, "Job: backoffLimitPerIndex goes on after a rejected day")
	days := int32(to.Sub(from)/(24*time.Hour)) + 1
	f.want(s.Completions != nil && *s.Completions == days, "Job: completions are not the %d days", days)
	f.want(j.Spec.Template.Spec.ActiveDeadlineSeconds != nil, "Job: no activeDeadlineSeconds for one day")
}

// job checks what becomes of a pod that has ended.
func (f *findings) job(p pod, finals []int32) {
	var fail []int32
	ignored := false
	if p.job.PodFailurePolicy != nil {
		for _, r := range p.job.PodFailurePolicy.Rules {
			switch r.Action {
			case batchv1.PodFailurePolicyActionFailJob:
				codes := r.OnExitCodes
				if codes == nil || codes.Operator != batchv1.PodFailurePolicyOnExitCodesOpIn || len(r.OnPodConditions) > 0 {
					f.want(false, "%s: FailJob on something but exit codes", p.of)
					continue
				}
				f.want(codes.ContainerName == nil || *codes.ContainerName == p.Containers[0].Name, "%s: exit codes of another container", p.of)
				fail = append(fail, codes.Values...)
			case batchv1.PodFailurePolicyActionIgnore:
				ignored = len(r.OnPodConditions) == 1 && r.OnPodConditions[0].Type == corev1.DisruptionTarget &&
					r.OnPodConditions[0].Status == corev1.ConditionTrue
			default:
				f.want(false, "%s: action %s", p.of, r.Action)
			}
		}
	}
	f.want(slices.Equal(fail, finals), "%s: FailJob on %v, want %v, in this order", p.of, fail, finals) // the API server wants them sorted
	f.want(ignored, "%s: DisruptionTarget is not ignored", p.of)
	f.want(p.RestartPolicy == corev1.RestartPolicyNever, "%s: restartPolicy %s, want Never", p.of, p.RestartPolicy)
	f.want(p.job.PodReplacementPolicy != nil && *p.job.PodReplacementPolicy == batchv1.Failed, "%s: podReplacementPolicy is not Failed", p.of)
	f.want(p.job.BackoffLimit != nil && *p.job.BackoffLimit >= 1 && *p.job.BackoffLimit <= 10, "%s: backoffLimit, want 1 to 10", p.of)
	f.want(p.job.ActiveDeadlineSeconds != nil, "%s: no activeDeadlineSeconds", p.of)
	f.want(p.job.TTLSecondsAfterFinished != nil, "%s: no ttlSecondsAfterFinished", p.of)
	grace := p.TerminationGracePeriodSeconds
	f.want(grace != nil && *grace >= 60, "%s: terminationGracePeriodSeconds is too short for a publish", p.of)
}

// security holds the pod against the restricted profile, and against what is stricter here.
func (f *findings) security(p pod) {
	evaluator, err := policy.NewEvaluator(policy.DefaultChecks(), nil)
	if err != nil {
		f.want(false, "%v", err)
		return
	}
	restricted := api.LevelVersion{Level: api.LevelRestricted, Version: api.LatestVersion()}
	for _, r := range evaluator.EvaluatePod(restricted, &p.meta, &p.PodSpec) {
		f.want(r.Allowed, "%s: %s: %s", p.of, r.ForbiddenReason, r.ForbiddenDetail)
	}
	f.want(p.AutomountServiceAccountToken != nil && !*p.AutomountServiceAccountToken, "%s: the service account's token is mounted", p.of)
	s := p.SecurityContext
	f.want(s != nil && is(s.RunAsUser, 65532) && is(s.RunAsGroup, 65532) && is(s.FSGroup, 65532), "%s: it does not run as 65532", p.of)
	f.want(len(p.Containers) == 1 && len(p.InitContainers) == 0, "%s: %d containers, want one", p.of, len(p.Containers)+len(p.InitContainers))
	for _, c := range p.Containers {
		s := c.SecurityContext
		f.want(s != nil && s.ReadOnlyRootFilesystem != nil && *s.ReadOnlyRootFilesystem, "%s: the root file system can be written", p.of)
		f.want(s != nil && s.RunAsUser == nil && s.RunAsGroup == nil, "%s: the container runs as somebody else", p.of)
		for _, e := range c.Env {
			f.want(e.Name != "GOOGLE_APPLICATION_CREDENTIALS" && (e.ValueFrom == nil || e.ValueFrom.SecretKeyRef == nil),
				"%s: env %s: want Workload Identity and no key", p.of, e.Name)
		}
		f.want(len(c.EnvFrom) == 0, "%s: envFrom brings in anything", p.of)
		f.want(c.LivenessProbe == nil && c.ReadinessProbe == nil && c.StartupProbe == nil, "%s: a probe of a program that ends", p.of)
	}
}

// pod checks image, arguments, environment and resources.
func (f *findings) pod(p pod, m *manifests, cfg *config.Config) {
	f.want(p.ServiceAccountName == m.accounts[0].Name, "%s: serviceAccountName %q", p.of, p.ServiceAccountName)
	c, first := p.Containers[0], m.cronJobs[0].Spec.JobTemplate.Spec.Template.Spec.Containers[0]
	if !isBase(m) {
		_, tag, _ := strings.Cut(path.Base(c.Image), ":")
		f.want(tag != "" && tag != "latest", "%s: image %q has no version", p.of, c.Image)
	}
	f.want(c.Image == first.Image, "%s: image %s, and that of the CronJob %s", p.of, c.Image, first.Image)
	i := slices.Index(c.Args, "--config")
	f.want(i > 0 && i+1 < len(c.Args) && c.Args[i+1] == "/etc/segments/segments.yaml", "%s: args %q", p.of, c.Args)
	f.want(len(c.Args) > 0 && (c.Args[0] == "run") == strings.HasPrefix(p.of, "CronJob"), "%s: args %q", p.of, c.Args)
	env := map[string]corev1.EnvVar{}
	for _, e := range c.Env {
		env[e.Name] = e
	}
	name := env["SEGMENTS_JOB_NAME"].ValueFrom
	f.want(name != nil && name.FieldRef != nil && name.FieldRef.FieldPath == "metadata.labels['"+batchv1.JobNameLabel+"']",
		"%s: SEGMENTS_JOB_NAME is not the Job's name", p.of)

	limit, request := c.Resources.Limits, c.Resources.Requests
	for _, r := range []corev1.ResourceName{corev1.ResourceCPU, corev1.ResourceMemory, corev1.ResourceEphemeralStorage} {
		f.want(!limit.Name(r, resource.DecimalSI).IsZero() && limit[r].Equal(request[r]), "%s: limit and request of %s, want both, and the same", p.of, r)
	}
	memory := float64(limit.Memory().Value())
	heap, err := resource.ParseQuantity(strings.TrimSuffix(env["GOMEMLIMIT"].Value, "B")) // Go says MiB where Kubernetes says Mi
	f.want(err == nil && heap.Value() > 0, "%s: GOMEMLIMIT: %v", p.of, err)
	if section, ok := cfg.Warehouse["duckdb"]; ok && !isBase(m) {
		var duck struct{ Path, Memory string }
		if err := yaml.Unmarshal([]byte(section.String()), &duck); err != nil {
			f.want(false, "%s: %v", p.of, err)
		}
		q, err := resource.ParseQuantity(strings.TrimSuffix(duck.Memory, "B"))
		f.want(err == nil, "%s: duckdb.memory %q: %v", p.of, duck.Memory, err)
		heap.Add(q)
		heap.Add(resource.MustParse("700Mi")) // what DuckDB was seen to take above its limit
		f.want(slices.ContainsFunc(c.VolumeMounts, func(v corev1.VolumeMount) bool {
			return v.Name != "tmp" && !v.ReadOnly && path.Dir(duck.Path) == v.MountPath
		}), "%s: duckdb.path %s is in no volume", p.of, duck.Path)
	}
	f.want(float64(heap.Value()) <= 0.95*memory, "%s: heap and warehouse may take %d MiB, the limit is %d MiB", p.of, heap.Value()>>20, int64(memory)>>20)
	f.want(float64(heap.Value()) >= 0.7*memory, "%s: heap and warehouse may take only %d MiB of %d MiB", p.of, heap.Value()>>20, int64(memory)>>20)
}

// volumes checks that what is mounted is there, and that nothing else is.
func (f *findings) volumes(p pod, m *manifests) {
	at := map[string]corev1.VolumeMount{}
	c := p.Containers[0]
	for _, v := range c.VolumeMounts {
		at[v.Name] = v
	}
	f.want(len(at) == len(p.Volumes), "%s: %d volumes and %d mounts", p.of, len(p.Volumes), len(at))
	for _, v := range p.Volumes {
		mount := at[v.Name]
		switch {
		case v.ConfigMap != nil:
			f.want(v.ConfigMap.Name == m.configs[0].Name && mount.MountPath == "/etc/segments" && mount.ReadOnly, "%s: ConfigMap %s at %q", p.of,
				v.ConfigMap.Name, mount.MountPath)
		case v.Secret != nil:
			f.want(v.Secret.SecretName == "segments-key" && v.Secret.Optional != nil && *v.Secret.Optional && mount.ReadOnly &&
				mount.MountPath == "/var/run/segments", "%s: secret %s at %q, want the optional key of pseudonyms alone", p.of,
				v.Secret.SecretName, mount.MountPath)
		case v.EmptyDir != nil:
			size := v.EmptyDir.SizeLimit
			f.want(size != nil && size.Cmp(*c.Resources.Limits.StorageEphemeral()) < 0, "%s: emptyDir %s has no limit below ephemeral-storage",
				p.of, v.Name)
			i := slices.IndexFunc(c.Env, func(e corev1.EnvVar) bool { return e.Name == "TMPDIR" })
			f.want(i >= 0 && c.Env[i].Value == mount.MountPath && !mount.ReadOnly, "%s: TMPDIR is not %s", p.of, mount.MountPath)
		case v.PersistentVolumeClaim != nil:
			name := v.PersistentVolumeClaim.ClaimName
			f.want(slices.ContainsFunc(m.claims, func(c corev1.PersistentVolumeClaim) bool { return c.Name == name }), "%s: no claim %s", p.of, name)
		default:
			f.want(false, "%s: volume %s of another kind", p.of, v.Name)
		}
	}
}

// network checks that the policy is about the pod, lets nobody in, and the pod out only where it must.
func (f *findings) network(p pod, n networkingv1.NetworkPolicy, cfg *config.Config) {
	selector := labels.Set(n.Spec.PodSelector.MatchLabels).AsSelector()
	f.want(!selector.Empty() && selector.Matches(labels.Set(p.meta.Labels)), "%s: the NetworkPolicy does not select it", p.of)
	f.want(slices.Contains(n.Spec.PolicyTypes, networkingv1.PolicyTypeIngress) && len(n.Spec.Ingress) == 0, "NetworkPolicy: ingress")
	f.want(slices.Contains(n.Spec.PolicyTypes, networkingv1.PolicyTypeEgress), "NetworkPolicy: egress is not restricted")
	var open []string
	allowed := []string{"UDP 53 ", "TCP 53 ", "TCP 443 ", "TCP 80 169.254.169.254/32", "TCP 988 169.254.169.252/32"}
	for _, rule := range n.Spec.Egress {
		f.want(len(rule.Ports) > 0, "NetworkPolicy: egress on every port")
		for _, port := range rule.Ports {
			to := ""
			for _, peer := range rule.To {
				block, err := json.Marshal(peer)
				if peer.IPBlock != nil && err == nil {
					block = []byte(peer.IPBlock.CIDR)
				}
				to += string(block)
			}
			what := "any"
			if port.Port != nil && port.EndPort == nil && port.Protocol != nil {
				what = string(*port.Protocol) + " " + strconv.Itoa(port.Port.IntValue()) + " " + to
			}
			f.want(slices.Contains(allowed, what), "NetworkPolicy: egress to %s", what)
			open = append(open, what)
		}
	}
	for _, what := range allowed {
		_, needed := cfg.Warehouse["bigquery"]
		f.want(!needed || slices.Contains(open, what), "NetworkPolicy: BigQuery needs egress to %s", what)
	}
}

func is(got *int64, want int64) bool { return got != nil && *got == want }

// isBase reports whether m is the base, which names no image and is never applied.
func isBase(m *manifests) bool {
	return m.cronJobs[0].Spec.JobTemplate.Spec.Template.Spec.Containers[0].Image == "segments"
}
