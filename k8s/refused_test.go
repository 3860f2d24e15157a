package k8s

import (
	"strings"
	"testing"

	"sigs.k8s.io/kustomize/kyaml/filesys"
)

// TestRefused spoils one thing at a time in what is rendered, to see that the checks of TestManifests can fail.
func TestRefused(t *testing.T) {
	finals := finalCodes(t)
	rendered := map[string]string{}
	for _, folder := range []string{"overlays/bigquery", "overlays/duckdb", "backfill"} {
		rendered[folder] = render(t, filesys.MakeFsOnDisk(), folder)
	}
	const bigquery, duckdb, backfill = "overlays/bigquery", "overlays/duckdb", "backfill"
	for _, tc := range []struct{ name, folder, old, new, want string }{
		// strict decoding
		{"unknown field", bigquery, "schedule: 17", "shedule: 17", `unknown field "spec.shedule"`},
		{"field in another case", bigquery, "concurrencyPolicy:", "concurrencypolicy:", `unknown field "spec.concurrencypolicy"`},
		{"field in the wrong place", bigquery, "\n  timeZone: Etc/UTC", "\ntimeZone: Etc/UTC", `unknown field "timeZone"`},
		{"field twice", bigquery, "          restartPolicy: Never", "          restartPolicy: Never\n          restartPolicy: Never", "already set"},
		{"text for a number", bigquery, "backoffLimit: 6", "backoffLimit: six", "cannot unmarshal string"},
		{"unknown kind", bigquery, "kind: NetworkPolicy", "kind: NetworkPolice", "another kind"},

		// pod security
		{"root", bigquery, "runAsUser: 65532", "runAsUser: 0", "runAsUser=0"},
		{"perhaps root", bigquery, "runAsNonRoot: true", "runAsNonRoot: false", "runAsNonRoot != true"},
		{"privileged", bigquery, "privileged: false", "privileged: true", "privileged"},
		{"more privileges", bigquery, "allowPrivilegeEscalation: false", "allowPrivilegeEscalation: true", "allowPrivilegeEscalation != false"},
		{"no seccomp profile", bigquery, "            seccompProfile:\n              type: RuntimeDefault\n", "", "seccompProfile"},
		{"unconfined", bigquery, "type: RuntimeDefault", "type: Unconfined", "seccompProfile"},
		{"capabilities kept", bigquery, "drop:\n                - ALL", "drop:\n                - CHOWN", "unrestricted capabilities"},
		{"capabilities added", bigquery, "              capabilities:\n", "              capabilities:\n                add: [SYS_ADMIN]\n", "SYS_ADMIN"},
		{"host path", bigquery, "emptyDir:\n              sizeLimit: 8Gi", "hostPath:\n              path: /tmp", "hostPath"},
		{"host network", bigquery, "enableServiceLinks: false", "hostNetwork: true", "hostNetwork"},
		{"host processes", bigquery, "enableServiceLinks: false", "hostPID: true", "hostPID"},
		{"written root", bigquery, "readOnlyRootFilesystem: true", "readOnlyRootFilesystem: false", "root file system"},
		{"token mounted", bigquery, "          automountServiceAccountToken: false\n", "", "token is mounted"},
		{"namespace not restricted", bigquery, "enforce: restricted", "enforce: baseline", "does not enforce"},

		// what the program promises
		{"exit code tried again", bigquery, "            - 64\n", "", "FailJob on [3 4 5 6], want [3 4 5 6 64]"},
		{"temporary is final", bigquery, "            - 64\n", "            - 64\n            - 75\n", "FailJob on [3 4 5 6 64 75]"},
		{"disruption counts", bigquery, "type: DisruptionTarget", "type: Ready", "DisruptionTarget is not ignored"},
		{"restarted in place", bigquery, "restartPolicy: Never", "restartPolicy: OnFailure", "restartPolicy OnFailure"},
		{"two at once", bigquery, "concurrencyPolicy: Forbid", "concurrencyPolicy: Allow", "concurrencyPolicy"},
		{"summer time", bigquery, "timeZone: Etc/UTC", "timeZone: Europe/Berlin", "timeZone"},
		{"no time zone", bigquery, "  timeZone: Etc/UTC", "", "timeZone"},
		{"midnight in Berlin", bigquery, "schedule: 17 3 * * *", "schedule: 30 22 * * *", "comes after"},
		{"twice a day", bigquery, "schedule: 17 3 * * *", "schedule: 17 3,15 * * *", "comes after"},
		{"no schedule", bigquery, "schedule: 17 3 * * *", "schedule: every night", "schedule"},
		{"no end", bigquery, "      activeDeadlineSeconds: 21600\n", "", "activeDeadlineSeconds is missing"},
		{"not over in time", bigquery, "startingDeadlineSeconds: 43200", "startingDeadlineSeconds: 80000", "before the next one"},
		{"killed while it publishes", bigquery, "terminationGracePeriodSeconds: 120", "terminationGracePeriodSeconds: 5", "too short"},
		{"day of the clock", bigquery, "fieldPath: metadata.labels['batch.kubernetes.io/job-name']", "fieldPath: metadata.name", "SEGMENTS_JOB_NAME"},
		{"any image", bigquery, "segments:0.1.0", "segments", "no version"},
		{"latest image", bigquery, "segments:0.1.0", "segments:latest", "no version"},
		{"no memory limit", bigquery, "                memory: 2Gi\n              requests", "              requests", "limit and request of memory"},
		{"heap over the limit", bigquery, "1700MiB", "2GiB", "the limit is"},
		{"DuckDB over the limit", duckdb, "memory: 4GB", "memory: 5GB", "the limit is"},
		{"database in the image", duckdb, "path: /var/lib/segments/shop.duckdb", "path: /srv/shop.duckdb", "is in no volume"},
		{"no volume", duckdb, "claimName: segments-data", "claimName: data", "no claim data"},
		{"temporary files without end", bigquery, "sizeLimit: 8Gi", "medium: Memory", "no limit"},
		{"a probe", bigquery, "            terminationMessagePolicy", "            livenessProbe: {exec: {command: [\"true\"]}}\n            terminationMessagePolicy", "probe"},
		{"a key file", bigquery, "- name: TMPDIR\n              value: /tmp", "- name: TMPDIR\n              value: /tmp\n            - {name: GOOGLE_APPLICATION_CREDENTIALS, value: /key.json}", "Workload Identity and no key"},
		{"another secret", bigquery, "secretName: segments-key", "secretName: service-account", "secret service-account"},
		{"key that must be there", bigquery, "optional: true", "optional: false", "secret segments-key"},

		// network
		{"ingress", bigquery, "ingress: []", "ingress: [{}]", "ingress"},
		{"egress everywhere", bigquery, "  - ports:\n    - port: 443\n      protocol: TCP\n", "  - {}\n", "every port"},
		{"egress to another port", bigquery, "port: 443", "port: 5432", "egress to TCP 5432"},
		{"egress not restricted", bigquery, "  - Egress\n", "", "egress is not restricted"},
		{"metadata server out of reach", bigquery, "cidr: 169.254.169.254/32", "cidr: 169.254.169.250/32", "BigQuery needs egress to TCP 80"},
		{"policy of others", bigquery, "    matchLabels:\n      app.kubernetes.io/name: segments", "    matchLabels:\n      app.kubernetes.io/name: others", "does not select"},

		// configuration
		{"unknown key", bigquery, "freshness: {orders", "freshnes: {orders", "freshnes: unknown key"},
		{"unknown key of the warehouse", duckdb, "memory: 4GB", "memory: 4GB, treads: 2", "treads"},
		{"unknown warehouse", duckdb, "      duckdb: {", "      dockdb: {", "dockdb"},
		{"no time zone of that name", bigquery, "timezone: Europe/Berlin", "timezone: Europe/Bern", "is no time zone"},

		// backfill
		{"too few indexes", backfill, "completions: 31", "completions: 30", "not the 31 days"},
		{"days at once", backfill, "parallelism: 1", "parallelism: 4", "parallelism is not 1"},
		{"no indexes", backfill, "completionMode: Indexed", "completionMode: NonIndexed", "not Indexed"},
		{"goes on after a rejection", backfill, "  completions: 31", "  completions: 31\n  backoffLimitPerIndex: 1", "goes on"},
		{"no days", backfill, `        - "2026-10-01"` + "\n", "", "want backfill --from DAY --to DAY"},
	} {
		t.Run(strings.ReplaceAll(tc.name, " ", "_"), func(t *testing.T) {
			stream := rendered[tc.folder]
			if !strings.Contains(stream, tc.old) {
				t.Fatalf("%s has no %q", tc.folder, tc.old)
			}
			found := violations(t, strings.ReplaceAll(stream, tc.old, tc.new), finals)
			if !strings.Contains(strings.Join(found, "\n"), tc.want) {
				t.Errorf("found %q, want one with %q", found, tc.want)
			}
		})
	}
}
