/** `/debug/api_priority_and_fairness/*`: what the priority levels, their queues and the requests in them are, as tables. */
import type { Exchange } from '../exchange.ts';
import type { Levels } from './levels.ts';
import type { PriorityLevel } from './priority-level.ts';
import type { FlowRequest } from './request-queue.ts';

export const DUMPS: Readonly<Record<string, (levels: Levels, view: DumpView) => string>> = {
  '/debug/api_priority_and_fairness/dump_priority_levels': priorityLevels,
  '/debug/api_priority_and_fairness/dump_queues': queues,
  '/debug/api_priority_and_fairness/dump_requests': requests,
};

export interface DumpView {
  readonly details: boolean;
  /** When a time of the monotonic clock was, as text. */
  readonly timeOf: (monotonicMs: number) => string;
}

function priorityLevels({ levels }: Levels): string {
  const rows = byName(levels).map(({ name, set, isQuiescing }) => {
    const active = set.queues.filter(({ waiting }) => waiting.length > 0).length;
    return [name, active, set.isIdle, isQuiescing, set.waiting, set.running, set.dispatched, set.rejected, 0, set.cancelled];
  });
  return table(['PriorityLevelName', 'ActiveQueues', 'IsIdle', 'IsQuiescing', 'WaitingRequests', 'ExecutingRequests', 'DispatchedRequests', 'RejectedRequests', 'TimedoutRequests', 'CancelledRequests'], rows);
}

function queues({ levels }: Levels): string {
  const rows = byName(levels).flatMap(({ name, set }) =>
    set.queues.map((queue, at) => {
      const sum = (of: (request: FlowRequest) => number): number => queue.waiting.reduce((total, request) => total + of(request), 0);
      return [name, at, queue.waiting.length, queue.running.size, queue.seatsInUse, seatSeconds(queue.nextR), sum(({ width }) => width.seats), sum(({ seats }) => seats), seatSeconds(queue.work)];
    }));
  return table(['PriorityLevelName', 'Index', 'PendingRequests', 'ExecutingRequests', 'SeatsInUse', 'NextDispatchR', 'InitialSeatsSum', 'MaxSeatsSum', 'TotalWorkSum'], rows);
}

const COLUMNS = ['PriorityLevelName', 'FlowSchemaName', 'QueueIndex', 'RequestIndexInQueue', 'FlowDistingsher', 'ArriveTime', 'InitialSeats', 'FinalSeats', 'AdditionalLatency', 'StartTime'];
const DETAILS = ['UserName', 'Verb', 'APIPath', 'Namespace', 'Name', 'APIVersion', 'Resource', 'SubResource'];

function requests({ levels }: Levels, { details, timeOf }: DumpView): string {
  const rows: Cell[][] = [];
  const add = (level: string, queue: number, index: number, request: FlowRequest): void => {
    const { schema, distinguisher, arrivalMs, startMs, width, state } = request;
    const started = state === 'waiting' ? '0001-01-01T00:00:00Z' : timeOf(startMs);
    rows.push([level, schema, queue, index, distinguisher, timeOf(arrivalMs), width.seats, width.finalSeats, duration(width.lingerMs), started, ...(details ? aboutOf(request) : [])]);
  };
  for (const { name, set } of byName(levels)) {
    for (const [at, queue] of set.queues.entries()) {
      for (const [index, request] of queue.waiting.entries()) add(name, at, index, request);
      for (const request of queue.running) add(name, at, -1, request);
    }
    for (const request of set.loose) add(name, -1, -1, request);
  }
  return table(details ? [...COLUMNS, ...DETAILS] : COLUMNS, rows);
}

function aboutOf({ about }: FlowRequest): string[] {
  const { user, route } = about as Exchange;
  const version = route.group === '' ? route.version : `${route.group}/${route.version}`;
  return [user.name, route.verb, route.path, route.namespace, route.name, version, route.resource, route.subresource];
}

function byName(levels: Iterable<PriorityLevel>): PriorityLevel[] {
  return [...levels].sort((a, b) => (a.name < b.name ? -1 : 1));
}

type Cell = string | number | boolean;

const NARROWEST = 8;

/** Columns as wide as their widest cell and one blank, as Go's tabwriter sets them; the last is not padded. */
function table(header: readonly string[], rows: readonly (readonly Cell[])[]): string {
  const last = header.length - 1;
  const lines = [header, ...rows].map((row) => row.map((cell, at) => (at === last ? String(cell) : `${cell},`)));
  const widths = header.map((_, at) => Math.max(NARROWEST, ...lines.map((line) => (line[at] as string).length + 1)));
  return lines.map((line) => `${line.map((cell, at) => (at === last ? cell : cell.padEnd(widths[at] as number))).join('')}\n`).join('');
}

function seatSeconds(value: number): string {
  return `${value.toFixed(8)}ss`;
}

/** As Go writes short durations. */
function duration(ms: number): string {
  if (ms === 0) return '0s';
  return ms < 1000 ? `${Number(ms.toFixed(6))}ms` : `${ms / 1000}s`;
}
