"""CloudTrail: who did what, from where, and how it ended. Real here: the event history of every account, and trails to S3 and to logs.

Every management event is kept for 90 days, of every account and region, whether a trail is there or not. What is kept is small and
holds no secret: what must not be seen is taken out before anything is written (`masks.py`); the event as CloudTrail shows it is made
when somebody asks for it or a trail delivers it (`events.py`). Data events are kept only until the trails that want them have them.
Events are written behind the answers: a kill costs those of the last twentieth of a second; what was written is delivered all the same.
A trail delivers after some seconds (the setting `trail_delivery_s`), not after the five minutes of AWS.
Not built: CloudTrail Lake, channels, dashboards, imports, Insights, trails of a whole organization, SNS notices, encryption by KMS,
data events other than those of S3 objects and Lambda functions. Requests that are refused before they are understood (a wrong signature,
a member that the model does not allow) leave no event.
"""

from headwater.kernel.service import Service

SERVICE = Service("cloudtrail")
