/**
 * What a daemon counts, as Prometheus text (prom-client). The library is loaded
 * with the first count or scrape, so that a start stays fast.
 */
import type { Counter, Gauge, Histogram, Registry } from 'prom-client';

/** The classes of prom-client that are used here. */
interface PromClient {
  readonly Counter: typeof Counter;
  readonly Gauge: typeof Gauge;
  readonly Histogram: typeof Histogram;
}

/** Gauges are asked for at a scrape. */
export interface GaugeSource {
  readonly name: string;
  readonly help: string;
  readonly read: () => number;
}

/** Gauges of prom-client named as counters are, which promtool objects to; each is the sum of one that stays. */
const MISNAMED = ['nodejs_active_handles_total', 'nodejs_active_requests_total', 'nodejs_active_resources_total'];

/** Counters and a histogram, by name; one per daemon. */
export class Metrics {
  private readonly counts = new Map<string, { readonly help: string; readonly labels: Map<string, number> }>();
  private readonly gauges: GaugeSource[] = [];
  private readonly durations = new Map<string, { readonly help: string; readonly seconds: number[] }>();
  private registry: Promise<{ registry: Registry; client: PromClient }> | undefined;
  private readonly promCounters = new Map<string, Counter>();
  private readonly promGauges = new Map<string, Gauge>();
  private readonly promHistograms = new Map<string, Histogram>();
  private readonly node: string;

  constructor(node: string) {
    this.node = node;
  }

  /** Adds to a counter; `labels` like `outcome="committed"`. Cheap: a map entry. */
  count(name: string, help: string, labels: Readonly<Record<string, string>> = {}, by = 1): void {
    const counter = this.counts.get(name) ?? { help, labels: new Map<string, number>() };
    this.counts.set(name, counter);
    const key = JSON.stringify(labels);
    counter.labels.set(key, (counter.labels.get(key) ?? 0) + by);
  }

  /** Notes one duration; kept until the next scrape, at most 10,000. */
  observe(name: string, help: string, seconds: number): void {
    const histogram = this.durations.get(name) ?? { help, seconds: [] };
    this.durations.set(name, histogram);
    if (histogram.seconds.length < 10_000) histogram.seconds.push(seconds);
  }

  /** Adds a gauge that is read at every scrape. */
  gauge(source: GaugeSource): void {
    this.gauges.push(source);
  }

  /** The text of `GET /metrics` (Prometheus exposition format 0.0.4). */
  async text(): Promise<string> {
    this.registry ??= this.open();
    const { registry, client } = await this.registry;
    for (const [name, { help, labels }] of this.counts) {
      const first = JSON.parse([...labels.keys()][0] ?? '{}') as Record<string, string>;
      const counter =
        this.promCounters.get(name) ??
        new client.Counter({ name, help, labelNames: Object.keys(first), registers: [registry] });
      this.promCounters.set(name, counter);
      for (const [key, value] of labels) {
        if (value > 0) counter.inc(JSON.parse(key) as Record<string, string>, value);
        labels.set(key, 0);
      }
    }
    for (const { name, help, read } of this.gauges) {
      const gauge = this.promGauges.get(name) ?? new client.Gauge({ name, help, registers: [registry] });
      this.promGauges.set(name, gauge);
      gauge.set(read());
    }
    for (const [name, { help, seconds }] of this.durations) {
      const histogram = this.promHistograms.get(name) ?? new client.Histogram({ name, help, registers: [registry] });
      this.promHistograms.set(name, histogram);
      for (const one of seconds.splice(0)) histogram.observe(one);
    }
    return registry.metrics();
  }

  private async open(): Promise<{ registry: Registry; client: PromClient }> {
    const client = (await import('prom-client')).default;
    const registry = new client.Registry();
    registry.setDefaultLabels({ node: this.node });
    client.collectDefaultMetrics({ register: registry });
    for (const name of MISNAMED) registry.removeSingleMetric(name);
    return { registry, client };
  }
}
