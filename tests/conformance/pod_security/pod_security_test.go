// Package pod_security runs the fixtures of Kubernetes' own tests of Pod Security admission against
// the cluster of the file KUBECONFIG. It says how many pods and controllers it asked for.
package pod_security

import (
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"testing"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	podsecurity "k8s.io/pod-security-admission/test"
)

// Requests counts what the library asks for: each fixture as a pod, and as a controller's template.
type requests struct {
	next              http.RoundTripper
	pods, controllers *atomic.Int64
}

func (r requests) RoundTrip(request *http.Request) (*http.Response, error) {
	if request.Method == http.MethodPost && request.URL.Query().Has("dryRun") {
		switch {
		case strings.HasSuffix(request.URL.Path, "/pods"):
			r.pods.Add(1)
		case strings.HasSuffix(request.URL.Path, "/deployments"):
			r.controllers.Add(1)
		}
	}
	return r.next.RoundTrip(request)
}

func TestPodSecurity(t *testing.T) {
	config, err := clientcmd.BuildConfigFromFlags("", os.Getenv("KUBECONFIG"))
	if err != nil {
		t.Fatal(err)
	}
	var pods, controllers atomic.Int64
	config.QPS = -1 // thousands of requests, one after another
	config.Wrap(func(next http.RoundTripper) http.RoundTripper {
		return requests{next, &pods, &controllers}
	})
	podsecurity.Run(t, podsecurity.Options{ClientConfig: rest.CopyConfig(config)})
	t.Logf("asked for %d pods and %d controllers", pods.Load(), controllers.Load())
}
