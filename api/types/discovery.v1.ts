/** Types of discovery.v1, written by tools/facts/write-types.ts from the facts table. */
import type { ObjectReference } from './core.v1.ts';
import type { ObjectMeta, TypeMeta } from './meta.v1.ts';

export interface Endpoint {
  addresses: string[];
  conditions?: EndpointConditions;
  hostname?: string;
  targetRef?: ObjectReference;
  deprecatedTopology?: Record<string, string>;
  nodeName?: string;
  zone?: string;
  hints?: EndpointHints;
}

export interface EndpointConditions {
  ready?: boolean;
  serving?: boolean;
  terminating?: boolean;
}

export interface EndpointHints {
  forZones?: ForZone[];
  forNodes?: ForNode[];
}

export interface EndpointPort {
  name?: string;
  protocol?: "SCTP" | "TCP" | "UDP";
  port?: number;
  appProtocol?: string;
}

export interface EndpointSlice extends TypeMeta {
  metadata: ObjectMeta;
  addressType: "FQDN" | "IPv4" | "IPv6";
  endpoints: Endpoint[];
  ports: EndpointPort[];
}

export interface ForNode {
  name: string;
}

export interface ForZone {
  name: string;
}
