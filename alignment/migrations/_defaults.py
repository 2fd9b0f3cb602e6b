"""The customer's six integration points with their criteria, word for word.

For the migrations beside it, the old one and the one that replaces it.
"""

STRATEGY = {
    "sales": ("Sales Strategy Framework", "/docs/business/sales/strategy"),
    "sales-analytics": ("Sales Analytics Framework", "/docs/business/sales/analytics"),
    "sales-operations": ("Sales Operations Framework", "/docs/business/sales/operations"),
    "developer": ("Developer Strategy Framework", "/docs/business/developer/strategy"),
    "developer-analytics": ("Developer Analytics Framework", "/docs/business/developer/analytics"),
    "developer-operations": ("Developer Operations Framework", "/docs/business/developer/operations"),
}
INTEGRATION = "Sales-Developer Integration"
REVENUE = "Revenue Optimization Coordination"
POINTS = [
    (
        "1.1.1",
        "Technical Qualification Integration",
        INTEGRATION,
        "Sales Qualification",
        "Developer Platform Assessment",
        "Joint technical qualification ensuring sales efforts align with developer platform capabilities and success "
        "probability",
        ["sales", "developer"],
        [
            "Technical qualification integration framework established",
            "Joint assessment protocols implemented and validated",
            "Success probability optimization systems activated",
            "Qualification integration validation completed and verified",
        ],
    ),
    (
        "1.1.2",
        "Developer Opportunity Assessment",
        INTEGRATION,
        "Sales Pipeline",
        "Developer Success Analytics",
        "Integrated opportunity assessment combining sales pipeline analysis with developer success probability "
        "metrics",
        ["sales-analytics", "developer-analytics"],
        [
            "Developer opportunity assessment framework implemented",
            "Integrated analysis protocols established and deployed",
            "Success probability enhancement systems activated",
            "Opportunity assessment validation completed and optimized",
        ],
    ),
    (
        "1.1.3",
        "Technical Value Communication",
        INTEGRATION,
        "Sales Messaging",
        "Developer Value Proposition",
        "Coordinated technical value communication ensuring consistent messaging across sales and developer functions",
        ["sales", "developer-operations"],
        [
            "Technical value communication framework established",
            "Coordinated messaging protocols implemented and validated",
            "Consistency enhancement systems activated",
            "Value communication validation completed and verified",
        ],
    ),
    (
        "1.2.1",
        "Sales-Developer Revenue Planning",
        REVENUE,
        "Revenue Strategy",
        "Developer Platform Planning",
        "Joint revenue planning aligning sales targets with developer platform capabilities and enhancement roadmaps",
        ["sales", "developer"],
        [
            "Sales-developer revenue planning framework implemented",
            "Joint planning protocols established and deployed",
            "Capability alignment systems activated",
            "Revenue planning validation completed and optimized",
        ],
    ),
    (
        "1.2.2",
        "Developer Platform Acceleration",
        REVENUE,
        "Sales Growth Targets",
        "Developer Enhancement",
        "Coordinated platform acceleration ensuring technical capabilities match sales growth objectives",
        ["developer-operations", "sales-operations"],
        [
            "Developer platform acceleration framework established",
            "Coordinated enhancement protocols implemented and validated",
            "Growth objective optimization systems activated",
            "Platform acceleration validation completed and verified",
        ],
    ),
    (
        "1.2.3",
        "Revenue Generation Optimization",
        REVENUE,
        "Sales Process",
        "Developer Success Enablement",
        "Integrated revenue generation optimization combining sales process excellence with developer success "
        "enablement",
        ["sales-operations", "developer-operations"],
        [
            "Revenue generation optimization framework implemented",
            "Integrated enablement protocols established and deployed",
            "Process excellence systems activated",
            "Revenue optimization validation completed and optimized",
        ],
    ),
]


def fill(apps, schema_editor):
    point_model = apps.get_model("alignment", "IntegrationPoint")
    criterion_model = apps.get_model("alignment", "AcceptanceCriterion")
    for position, (code, title, group, flow_from, flow_to, protocol, frameworks, criteria) in enumerate(POINTS):
        point = point_model.objects.create(
            code=code,
            title=title,
            group=group,
            flow_from=flow_from,
            flow_to=flow_to,
            protocol=protocol,
            frameworks=[{"title": STRATEGY[key][0], "url": STRATEGY[key][1]} for key in frameworks],
            position=position,
        )
        criterion_model.objects.bulk_create(
            criterion_model(point=point, position=number, text=text) for number, text in enumerate(criteria, 1)
        )
