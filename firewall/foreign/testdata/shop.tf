# Made by roundtrip export terraform.

variable "vpc_id" {
  type        = string
  description = "The VPC that the groups are for."
}

resource "aws_ec2_managed_prefix_list" "office_ipv4" {
  name           = "office-ipv4"
  address_family = "IPv4"
  max_entries    = 1
  entry { cidr = "198.51.100.0/24" }
}

resource "aws_ec2_managed_prefix_list" "office_ipv6" {
  name           = "office-ipv6"
  address_family = "IPv6"
  max_entries    = 1
  entry { cidr = "2001:db8:f::/48" }
}

resource "aws_security_group" "web" {
  name        = "web"
  description = "group web"
  vpc_id      = var.vpc_id
}

resource "aws_vpc_security_group_ingress_rule" "web_1_1_1_ipv4" {
  security_group_id = aws_security_group.web.id
  cidr_ipv4         = "0.0.0.0/0"
  ip_protocol       = "tcp"
  from_port         = 80
  to_port           = 80
  description       = "the shop_s _door_"
}

resource "aws_vpc_security_group_ingress_rule" "web_1_1_1_ipv6" {
  security_group_id = aws_security_group.web.id
  cidr_ipv6         = "::/0"
  ip_protocol       = "tcp"
  from_port         = 80
  to_port           = 80
  description       = "the shop_s _door_"
}

resource "aws_vpc_security_group_ingress_rule" "web_1_2_1_ipv4" {
  security_group_id = aws_security_group.web.id
  cidr_ipv4         = "0.0.0.0/0"
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
  description       = "the shop_s _door_"
}

resource "aws_vpc_security_group_ingress_rule" "web_1_2_1_ipv6" {
  security_group_id = aws_security_group.web.id
  cidr_ipv6         = "::/0"
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
  description       = "the shop_s _door_"
}

resource "aws_vpc_security_group_ingress_rule" "web_1_3_1_ipv4" {
  security_group_id = aws_security_group.web.id
  cidr_ipv4         = "0.0.0.0/0"
  ip_protocol       = "udp"
  from_port         = 443
  to_port           = 443
  description       = "the shop_s _door_"
}

resource "aws_vpc_security_group_ingress_rule" "web_1_3_1_ipv6" {
  security_group_id = aws_security_group.web.id
  cidr_ipv6         = "::/0"
  ip_protocol       = "udp"
  from_port         = 443
  to_port           = 443
  description       = "the shop_s _door_"
}

resource "aws_vpc_security_group_ingress_rule" "web_2_1_1" {
  security_group_id            = aws_security_group.web.id
  referenced_security_group_id = aws_security_group.web.id
  ip_protocol                  = "tcp"
  from_port                    = 8000
  to_port                      = 8010
}

resource "aws_vpc_security_group_ingress_rule" "web_2_1_2" {
  security_group_id = aws_security_group.web.id
  cidr_ipv4         = "10.0.0.0/8"
  ip_protocol       = "tcp"
  from_port         = 8000
  to_port           = 8010
}

resource "aws_vpc_security_group_ingress_rule" "web_3_1_1_ipv4" {
  security_group_id = aws_security_group.web.id
  prefix_list_id    = aws_ec2_managed_prefix_list.office_ipv4.id
  ip_protocol       = "icmp"
  from_port         = 8
  to_port           = -1
}

resource "aws_vpc_security_group_ingress_rule" "web_3_2_1_ipv4" {
  security_group_id = aws_security_group.web.id
  prefix_list_id    = aws_ec2_managed_prefix_list.office_ipv4.id
  ip_protocol       = "icmp"
  from_port         = 3
  to_port           = 1
}

resource "aws_vpc_security_group_ingress_rule" "web_3_3_1_ipv6" {
  security_group_id = aws_security_group.web.id
  prefix_list_id    = aws_ec2_managed_prefix_list.office_ipv6.id
  ip_protocol       = "icmpv6"
  from_port         = -1
  to_port           = -1
}

resource "aws_vpc_security_group_egress_rule" "web_out_ipv4" {
  security_group_id = aws_security_group.web.id
  cidr_ipv4         = "0.0.0.0/0"
  ip_protocol       = "-1"
  description       = "everything may leave"
}

resource "aws_vpc_security_group_egress_rule" "web_out_ipv6" {
  security_group_id = aws_security_group.web.id
  cidr_ipv6         = "::/0"
  ip_protocol       = "-1"
  description       = "everything may leave"
}

resource "aws_security_group" "database" {
  name        = "database"
  description = "group database"
  vpc_id      = var.vpc_id
}

resource "aws_vpc_security_group_ingress_rule" "database_1_1_1" {
  security_group_id            = aws_security_group.database.id
  referenced_security_group_id = aws_security_group.web.id
  ip_protocol                  = "tcp"
  from_port                    = 5432
  to_port                      = 5432
  description                  = "only our own backends"
}

resource "aws_vpc_security_group_ingress_rule" "database_2_1_1" {
  security_group_id = aws_security_group.database.id
  cidr_ipv6         = "2001:db8::/32"
  ip_protocol       = "-1"
}

resource "aws_vpc_security_group_ingress_rule" "database_2_1_2" {
  security_group_id = aws_security_group.database.id
  cidr_ipv4         = "198.51.100.7/32"
  ip_protocol       = "-1"
}

resource "aws_vpc_security_group_ingress_rule" "database_3_1_1" {
  security_group_id = aws_security_group.database.id
  cidr_ipv4         = "0.0.0.0/0"
  ip_protocol       = "47"
}

resource "aws_vpc_security_group_egress_rule" "database_4_1_1" {
  security_group_id = aws_security_group.database.id
  cidr_ipv4         = "203.0.113.0/24"
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
}

resource "aws_security_group" "big_closed" {
  name        = "big-closed"
  description = "group big-closed"
  vpc_id      = var.vpc_id
}
