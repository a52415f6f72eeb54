"""Every field of Istio's networking API is known by its JSON name, supported or not."""

import msgspec
import pytest

from weft.model import istio_destination_rule as dr
from weft.model import istio_networking as networking
from weft.model import istio_type as common
from weft.model import istio_virtual_service as vs
from weft.model.kinds import Kinds

FIELDS = {
    vs.VirtualService: "hosts gateways http tls tcp exportTo",
    vs.Destination: "host subset port",
    vs.HttpRoute: """name match route redirect directResponse delegate rewrite timeout retries fault mirror mirrors
        mirrorPercent mirrorPercentage corsPolicy headers""",
    vs.Delegate: "name namespace",
    vs.Headers: "request response",
    vs.HeaderOperations: "set add remove",
    vs.TlsRoute: "match route",
    vs.TcpRoute: "match route",
    vs.HttpMatchRequest: """name uri scheme method authority headers port sourceLabels gateways queryParams
        ignoreUriCase withoutHeaders sourceNamespace statPrefix""",
    vs.HttpRouteDestination: "destination weight headers",
    vs.RouteDestination: "destination weight",
    vs.L4MatchAttributes: "destinationSubnets port sourceSubnet sourceLabels gateways sourceNamespace",
    vs.TlsMatchAttributes: "sniHosts destinationSubnets port sourceLabels gateways sourceNamespace",
    vs.HttpRedirect: "uri authority port derivePort scheme redirectCode prefixRewrite",
    vs.HttpDirectResponse: "status body",
    vs.HttpBody: "string bytes",
    vs.HttpRewrite: "uri authority uriRegexRewrite",
    vs.RegexRewrite: "match rewrite",
    vs.StringMatch: "exact prefix regex",
    vs.HttpRetry: "attempts perTryTimeout retryOn retryRemoteLocalities retryIgnorePreviousHosts backoff",
    vs.CorsPolicy: """allowOrigin allowOrigins allowMethods allowHeaders exposeHeaders maxAge allowCredentials
        unmatchedPreflights""",
    vs.HttpFaultInjection: "delay abort",
    vs.Delay: "percent fixedDelay exponentialDelay percentage",
    vs.Abort: "httpStatus grpcStatus http2Error percentage",
    vs.HttpMirrorPolicy: "destination percentage",
    dr.DestinationRule: "host trafficPolicy subsets exportTo workloadSelector",
    dr.TrafficPolicy: """loadBalancer connectionPool outlierDetection tls portLevelSettings tunnel proxyProtocol
        retryBudget""",
    dr.PortTrafficPolicy: "port loadBalancer connectionPool outlierDetection tls",
    dr.TunnelSettings: "protocol targetHost targetPort",
    dr.ProxyProtocol: "version",
    dr.RetryBudget: "percent minRetryConcurrency budgetInterval",
    dr.Subset: "name labels trafficPolicy",
    dr.LoadBalancerSettings: """simple consistentHash backendUtilization localityLbSetting zoneAwareLbSetting
        warmupDurationSecs warmup""",
    dr.ConsistentHashLb: """httpHeaderName httpCookie useSourceIp httpQueryParameterName ringHash maglev
        minimumRingSize""",
    dr.HttpCookie: "name path ttl attributes",
    dr.BackendUtilizationLb: """weightStabilizationPeriod weightExpirationPeriod weightUpdatePeriod
        errorUtilizationPenaltyPercent metricNamesForComputingUtilization""",
    dr.WarmupConfiguration: "duration minimumPercent aggression",
    dr.ConnectionPoolSettings: "tcp http",
    dr.TcpSettings: "maxConnections connectTimeout tcpKeepalive maxConnectionDuration idleTimeout",
    dr.TcpKeepalive: "probes time interval",
    dr.HttpSettings: """http1MaxPendingRequests http2MaxRequests maxRequestsPerConnection maxRetries idleTimeout
        h2UpgradePolicy useClientProtocol maxConcurrentStreams http2KeepAlive""",
    dr.OutlierDetection: """consecutiveErrors splitExternalLocalOriginErrors consecutiveLocalOriginFailures
        consecutiveGatewayErrors consecutive5xxErrors interval baseEjectionTime maxEjectionPercent minHealthPercent
        outlierDetectionHttpErrorCodes""",
    dr.ClientTlsSettings: """mode clientCertificate privateKey caCertificates credentialName subjectAltNames sni
        insecureSkipVerify caCrl""",
    dr.LocalityLoadBalancerSetting: "distribute failover failoverPriority enabled",
    dr.LocalityDistribute: "from to",
    dr.LocalityFailover: "from to",
    dr.ZoneAwareLoadBalancerSetting: "enabled failover failoverPriority minClusterSize",
    networking.Gateway: "servers selector",
    networking.Server: "port bind hosts tls defaultEndpoint name",
    networking.Port: "number protocol name targetPort",
    networking.ServerTlsSettings: """httpsRedirect mode serverCertificate privateKey caCertificates caCrl
        credentialName credentialNames caCertCredentialName tlsCertificates subjectAltNames verifyCertificateSpki
        verifyCertificateHash minProtocolVersion maxProtocolVersion cipherSuites insecureSkipVerify ecdhCurves""",
    networking.ServiceEntry: """hosts addresses ports location resolution endpoints workloadSelector exportTo
        subjectAltNames""",
    networking.WorkloadSelector: "labels",
    common.WorkloadSelector: "matchLabels",
    networking.WorkloadEntry: "address ports labels network locality weight serviceAccount",
    networking.Sidecar: "workloadSelector ingress egress inboundConnectionPool outboundTrafficPolicy",
    networking.IstioIngressListener: "port bind captureMode defaultEndpoint tls connectionPool",
    networking.IstioEgressListener: "port bind captureMode hosts",
    networking.OutboundTrafficPolicy: "mode egressProxy",
}
"""From istio.io/api, `networking/v1alpha3`, in the order of the API."""


@pytest.mark.parametrize("structure", FIELDS, ids=lambda structure: structure.__name__)
def test_the_fields_are_those_of_the_api(structure: type[msgspec.Struct]) -> None:
    names = {each.encode_name for each in msgspec.structs.fields(structure)}
    assert names == set(FIELDS[structure].split())
    assert structure.__struct_config__.forbid_unknown_fields
    assert structure.__struct_config__.frozen


@pytest.mark.parametrize("version", ["v1", "v1beta1", "v1alpha3"])
@pytest.mark.parametrize(
    ("word", "kind"),
    [
        ("vs", "VirtualService"),
        ("destinationrules", "DestinationRule"),
        ("gw", "Gateway"),
        ("se", "ServiceEntry"),
        ("we", "WorkloadEntry"),
        ("sidecars", "Sidecar"),
    ],
)
def test_kinds_have_istioctl_s_names_in_every_version(word: str, kind: str, version: str) -> None:
    kinds = Kinds(networking.KINDS)
    assert kinds.named(word).key == f"{kind}.networking.istio.io"
    assert kinds.of(f"networking.istio.io/{version}", kind) is kinds.named(word)
