"""AWS Lambda: functions run for real, in worker processes that speak the Runtime API, each in a file-system view of its own.

Real here: Python functions through AWS's own runtime client, JavaScript ones through one of ours on the machine's Node.js,
`provided` runtimes through their bootstrap; answers that stream; versions, aliases with
weights, layers, concurrency limits, time-outs, memory limits, the function's log; asynchronous invocation from a durable queue
with retries and destinations; URLs that answer HTTP. Not here: container images, event source mappings, SnapStart (accepted, no
effect), other languages (such functions can be created, and their invocation is refused).
"""

from headwater.kernel.service import Service

SERVICE = Service("lambda")
