// Package k8s tests the manifests of this folder, and the image that they run, without a cluster: they are rendered as
// kubectl would, decoded strictly, held against the pod security standards, and against what the program expects of them.
package k8s

import (
	"fmt"
	"strings"
	"testing"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	strictjson "sigs.k8s.io/json"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/yaml"
)

// render returns what `kubectl kustomize` prints for a folder.
func render(t *testing.T, files filesys.FileSystem, folder string) string {
	t.Helper()
	resources, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(files, folder)
	if err != nil {
		t.Fatalf("%s: %v", folder, err)
	}
	stream, err := resources.AsYaml()
	if err != nil {
		t.Fatalf("%s: %v", folder, err)
	}
	return string(stream)
}

// manifests are the objects of a rendered folder, by kind.
type manifests struct {
	namespaces []corev1.Namespace
	accounts   []corev1.ServiceAccount
	configs    []corev1.ConfigMap
	claims     []corev1.PersistentVolumeClaim
	policies   []networkingv1.NetworkPolicy
	cronJobs   []batchv1.CronJob
	jobs       []batchv1.Job
}

// decode reads a stream of YAML documents. It refuses what the API server with strict validation refuses: unknown fields,
// also where only their case is wrong, fields that are there twice, and values of another type.
func decode(stream string) (*manifests, error) {
	m := &manifests{}
	for doc := range strings.SplitSeq(stream, "\n---\n") {
		data, err := yaml.YAMLToJSONStrict([]byte(doc))
		if err != nil {
			return nil, err
		}
		var kind metav1.TypeMeta
		if err := yaml.Unmarshal(data, &kind); err != nil {
			return nil, err
		}
		switch kind.APIVersion + " " + kind.Kind {
		case "v1 Namespace":
			err = add(&m.namespaces, data)
		case "v1 ServiceAccount":
			err = add(&m.accounts, data)
		case "v1 ConfigMap":
			err = add(&m.configs, data)
		case "v1 PersistentVolumeClaim":
			err = add(&m.claims, data)
		case "networking.k8s.io/v1 NetworkPolicy":
			err = add(&m.policies, data)
		case "batch/v1 CronJob":
			err = add(&m.cronJobs, data)
		case "batch/v1 Job":
			err = add(&m.jobs, data)
		default:
			err = fmt.Errorf("an object of another kind: %s %s", kind.APIVersion, kind.Kind)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", kind.Kind, err)
		}
	}
	return m, nil
}

func add[T any](objects *[]T, data []byte) error {
	var object T
	unknown, err := strictjson.UnmarshalStrict(data, &object)
	if err != nil {
		return err
	}
	if len(unknown) > 0 {
		return unknown[0]
	}
	*objects = append(*objects, object)
	return nil
}

// A pod is the template of one, with the Job that it is of and where that comes from.
type pod struct {
	of   string
	job  batchv1.JobSpec
	meta metav1.ObjectMeta
	corev1.PodSpec
}

// pods lists the pods of all Jobs.
func (m *manifests) pods() []pod {
	var all []pod
	for _, c := range m.cronJobs {
		j := c.Spec.JobTemplate.Spec
		all = append(all, pod{"CronJob " + c.Name, j, j.Template.ObjectMeta, j.Template.Spec})
	}
	for _, j := range m.jobs {
		all = append(all, pod{"Job " + j.Name, j.Spec, j.Spec.Template.ObjectMeta, j.Spec.Template.Spec})
	}
	return all
}
