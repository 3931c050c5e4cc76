"""Service-linked roles: roles that a service owns, under names which AWS fixed. Only that service's actions change them.

The names are facts of AWS's documentation ("AWS services that work with IAM"; each service's page on its role), most of them held against
recorded answers. Another service is refused as not built rather than given an invented name.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from headwater.aws.faults import fault
from headwater.kernel.identity import new_unique_id
from headwater.kernel.permissions import requires
from headwater.kernel.store import Record, Table

from . import arns
from .model import GLOBAL, Role, describe_role, find_role, roles

if TYPE_CHECKING:
    from headwater.kernel.context import Context


class Linked(NamedTuple):
    role: str
    policy: str
    takes_suffix: bool = False


LINKED: Final = {
    "acm": Linked("CertificateManager", "CertificateManagerServiceRolePolicy"),
    "appmesh": Linked("AppMesh", "AWSAppMeshServiceRolePolicy"),
    "autoscaling": Linked("AutoScaling", "AutoScalingServiceRolePolicy", takes_suffix=True),
    "autoscaling-plans": Linked("AutoScalingPlans_EC2AutoScaling", "AWSAutoScalingPlansEC2AutoScalingPolicy"),
    "backup": Linked("Backup", "AWSBackupServiceLinkedRolePolicyForBackup"),
    "batch": Linked("Batch", "BatchServiceRolePolicy"),
    "cassandra.application-autoscaling": Linked("ApplicationAutoScaling_CassandraTable", "AWSApplicationAutoscalingCassandraTablePolicy"),
    "cks.kms": Linked("KeyManagementServiceCustomKeyStores", "AWSKeyManagementServiceCustomKeyStoresServiceRolePolicy"),
    "cloudtrail": Linked("CloudTrail", "CloudTrailServiceRolePolicy"),
    "config": Linked("Config", "AWSConfigServiceRolePolicy"),
    "dms": Linked("DMSServerless", "AWSDMSServerlessServiceRolePolicy"),
    "dms-fleet-advisor": Linked("DMSFleetAdvisor", "AWSDMSFleetAdvisorServiceRolePolicy"),
    "docdb-elastic": Linked("DocDB-Elastic", "AmazonDocDB-ElasticServiceRolePolicy"),
    "ec2-instance-connect": Linked("Ec2InstanceConnect", "Ec2InstanceConnectEndpoint"),
    "ecr": Linked("ECRTemplate", "ECRTemplateServiceRolePolicy"),
    "ecs": Linked("ECS", "AmazonECSServiceRolePolicy"),
    "eks": Linked("AmazonEKS", "AmazonEKSServiceRolePolicy"),
    "eks-connector": Linked("AmazonEKSConnector", "AmazonEKSConnectorServiceRolePolicy"),
    "eks-nodegroup": Linked("AmazonEKSNodegroup", "AWSServiceRoleForAmazonEKSNodegroup"),
    "elasticache": Linked("ElastiCache", "ElastiCacheServiceRolePolicy"),
    "elasticbeanstalk": Linked("ElasticBeanstalk", "AWSElasticBeanstalkServiceRolePolicy"),
    "elasticfilesystem": Linked("AmazonElasticFileSystem", "AmazonElasticFileSystemServiceRolePolicy"),
    "elasticloadbalancing": Linked("ElasticLoadBalancing", "AWSElasticLoadBalancingServiceRolePolicy"),
    "email.cognito-idp": Linked("AmazonCognitoIdpEmailService", "AmazonCognitoIdpEmailServiceRolePolicy"),
    "emr-containers": Linked("AmazonEMRContainers", "AmazonEMRContainersServiceRolePolicy"),
    "grafana": Linked("AmazonGrafana", "AmazonGrafanaServiceLinkedRolePolicy"),
    "kafka": Linked("Kafka", "KafkaServiceRolePolicy"),
    "kafkaconnect": Linked("KafkaConnect", "KafkaConnectServiceRolePolicy"),
    "lakeformation": Linked("LakeFormationDataAccess", "LakeFormationDataAccessServiceRolePolicy"),
    "lex": Linked("LexBots", "AmazonLexBotPolicy"),
    "lightsail": Linked("Lightsail", "LightsailExportAccess"),
    "m2": Linked("AWSM2", "AWSM2ServicePolicy"),
    "mq": Linked("AmazonMQ", "AmazonMQServiceRolePolicy"),
    "mrk.kms": Linked("KeyManagementServiceMultiRegionKeys", "AWSKeyManagementServiceMultiRegionKeysServiceRolePolicy"),
    "notifications": Linked("AwsUserNotifications", "AWSUserNotificationsServiceLinkedRolePolicy"),
    "observability.aoss": Linked("AmazonOpenSearchServerless", "AmazonOpenSearchServerlessServiceRolePolicy"),
    "opensearchservice": Linked("AmazonOpenSearchService", "AmazonOpenSearchServiceRolePolicy"),
    "opsdatasync.ssm": Linked("SystemsManagerOpsDataSync", "AWSSystemsManagerOpsDataSyncServiceRolePolicy"),
    "opsinsights.ssm": Linked("AmazonSSM_OpsInsights", "AWSSSMOpsInsightsServiceRolePolicy"),
    "organizations": Linked("Organizations", "AWSOrganizationsServiceTrustPolicy"),
    "pullthroughcache.ecr": Linked("ECRPullThroughCache", "AWSECRPullThroughCache_ServiceRolePolicy"),
    "ram": Linked("ResourceAccessManager", "AWSResourceAccessManagerServiceRolePolicy"),
    "rds": Linked("RDS", "AmazonRDSServiceRolePolicy"),
    "redshift": Linked("Redshift", "AmazonRedshiftServiceLinkedRolePolicy"),
    "replication.cassandra": Linked("KeyspacesReplication", "KeyspacesReplicationServiceRolePolicy"),
    "replication.dynamodb": Linked("DynamoDBReplication", "DynamoDBReplicationServiceRolePolicy"),
    "replication.ecr": Linked("ECRReplication", "ECRReplicationServiceRolePolicy"),
    "repository.sync.codeconnections": Linked("GitSync", "AWSGitSyncServiceRolePolicy"),
    "resource-explorer-2": Linked("ResourceExplorer", "AWSResourceExplorerServiceRolePolicy"),
    "rolesanywhere": Linked("RolesAnywhere", "AWSRolesAnywhereServicePolicy"),
    "s3-outposts": Linked("S3OnOutposts", "AWSS3OnOutpostsServiceRolePolicy"),
    "ses": Linked("AmazonSES", "AmazonSESServiceRolePolicy"),
    "shield": Linked("AWSShield", "AWSShieldServiceRolePolicy"),
    "ssm-incidents": Linked("IncidentManager", "AWSIncidentManagerServiceRolePolicy"),
    "ssm-quicksetup": Linked("SSMQuickSetup", "SSMQuickSetupRolePolicy"),
    "sso": Linked("SSO", "AWSSSOServiceRolePolicy"),
    "vpcorigin.cloudfront": Linked("CloudFrontVPCOrigin", "AWSCloudFrontVPCOriginServiceRolePolicy"),
    "waf": Linked("WAFLogging", "WAFLoggingServiceRolePolicy"),
    "wafv2": Linked("WAFV2Logging", "WAFV2LoggingServiceRolePolicy"),
}
DOMAIN: Final = ".amazonaws.com"


class Deletion(Record, frozen=True, kw_only=True):
    """A deletion that was asked for and done: its id can be asked after."""

    account: str
    task_id: str


deletions: Final = Table("iam", "deletions", Deletion, key=lambda task: (task.account, GLOBAL, task.task_id))


def _name_of(linked: Linked, request: dict[str, Any]) -> str:
    suffix = request.get("CustomSuffix")
    return f"AWSServiceRoleFor{linked.role}" + (f"_{suffix}" if suffix else "")


def _linked_arn(ctx: Context, request: dict[str, Any]) -> str:
    """The role that would be made; of a service that is not known here, any."""
    service = request["AWSServiceName"]
    linked = LINKED.get(service.removesuffix(DOMAIN))
    return f"arn:aws:iam::{ctx.account}:role/aws-service-role/{service}/{_name_of(linked, request) if linked else '*'}"


@requires("iam:CreateServiceLinkedRole", _linked_arn)
async def create_service_linked_role(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Make the role of a service."""
    service = request["AWSServiceName"]
    linked = LINKED.get(service.removesuffix(DOMAIN)) if service.endswith(DOMAIN) else None
    if linked is None:
        raise fault("NotImplemented", f"Headwater does not know the service-linked role of {service} yet.")
    if request.get("CustomSuffix") and not linked.takes_suffix:
        raise fault("InvalidInput", f"Custom suffix is not allowed for {service}")
    name = _name_of(linked, request)
    if ctx.store.get(roles, ctx.account, GLOBAL, name) is not None:
        raise fault("InvalidInput", f"Service role name {name} has been taken in this account, please try a different suffix.")

    statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    role = Role(
        account=ctx.account,
        name=name,
        path=f"/aws-service-role/{service}/",
        unique_id=new_unique_id("AROA"),
        created_at=ctx.clock.now().replace(microsecond=0),
        trust=json.dumps({"Version": "2012-10-17", "Statement": [statement]}),
        description=request.get("Description"),
        attached=(f"arn:aws:iam::aws:policy/aws-service-role/{linked.policy}",),
        linked_to=service,
    )
    async with ctx.store.transaction() as tx:
        tx.put(roles, role)
    described = describe_role(role)
    del described["RoleLastUsed"], described["MaxSessionDuration"]
    return {"Role": described}


@requires("iam:DeleteServiceLinkedRole", arns.role)
async def delete_service_linked_role(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Done at once; AWS answers with a task that can be asked after, and so do we."""
    role = find_role(ctx, request["RoleName"])
    if role.linked_to is None:
        raise fault("InvalidInput", f"Role {role.name} is not a service-linked role.")
    task_id = f"task{role.path}{role.name}/{ctx.new_id()}"
    async with ctx.store.transaction() as tx:
        tx.delete(roles, role.account, GLOBAL, role.name)
        tx.put(deletions, Deletion(account=ctx.account, task_id=task_id))
    return {"DeletionTaskId": task_id}


@requires("iam:GetServiceLinkedRoleDeletionStatus", arns.role_of_deletion)
async def get_service_linked_role_deletion_status(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """A task that was given out has succeeded."""
    if ctx.store.get(deletions, ctx.account, GLOBAL, request["DeletionTaskId"]) is None:
        raise fault("NoSuchEntity", f"The deletion task {request['DeletionTaskId']} cannot be found.")
    return {"Status": "SUCCEEDED"}
