import { type CoreState, probeCores } from './cores.js';
import { median } from './median.js';

/** What one run of one side measured, by metric. */
export type Sample = Readonly<Record<string, number>>;

export interface Metric {
  /** Key of the samples; with the experiment's name it is the figure's name. */
  readonly name: string;
  readonly unit: string;
}

/** One thing that is measured on both sides in turn. Runs are independent of each other. */
export interface Experiment {
  readonly name: string;
  readonly metrics: readonly Metric[];
  /** Who stands beside us. */
  readonly peerName: string;
  ours(): Promise<Sample>;
  peer(): Promise<Sample>;
  close(): Promise<void>;
}

/** `mixed`: some pairs had near cores, but not as many as are wanted, so all pairs count. */
export type FigureState = CoreState | 'mixed';

/** A figure as it is written to the JSON file. */
export interface Figure {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  readonly peer: string | null;
  readonly peerValue: number | null;
  /** value / peerValue; null where there is no peer or its value is 0. */
  readonly ratio: number | null;
  readonly state: FigureState;
}

export interface Effort {
  /** Pairs of runs with near cores that are wanted. */
  readonly pairs: number;
  /** Pairs after which we take what there is. */
  readonly most: number;
}

/** One run of each side. */
export interface Pair {
  readonly ours: Sample;
  readonly peer: Sample | undefined;
  readonly state: CoreState;
}

/** Runs both sides once, the cores probed before and after. */
async function runPair(experiment: Experiment): Promise<Pair> {
  const before = await probeCores();
  const ours = await experiment.ours();
  const peer = await experiment.peer();
  const after = await probeCores();
  return { ours, peer, state: before === 'near' && after === 'near' ? 'near' : 'far' };
}

const runAlone = async (experiment: Experiment): Promise<Pair> => ({
  ours: await experiment.ours(),
  peer: undefined,
  state: 'unknown',
});

/** The pairs that count: those with near cores where there are `wanted` of them, else all. */
export function chosen(
  pairs: readonly Pair[],
  wanted: number,
): { pairs: readonly Pair[]; state: FigureState } {
  const near = pairs.filter(({ state }) => state === 'near');
  if (near.length >= wanted) return { pairs: near, state: 'near' };
  return { pairs, state: near.length > 0 ? 'mixed' : pairs[0]!.state };
}

function toFigure(
  experiment: Experiment,
  { name, unit }: Metric,
  { pairs, state }: ReturnType<typeof chosen>,
): Figure {
  const value = median(pairs.map(({ ours }) => ours[name]!));
  const peerSamples = pairs.flatMap(({ peer }) => (peer === undefined ? [] : [peer]));
  const peerValue = peerSamples.length > 0 ? median(peerSamples.map((sample) => sample[name]!)) : null;
  return {
    name: `${experiment.name}-${name}`,
    value,
    unit,
    peer: peerValue === null ? null : experiment.peerName,
    peerValue,
    ratio: peerValue ? value / peerValue : null,
    state,
  };
}

/** Runs an experiment until there are enough pairs with near cores; `withPeers` is false where there is no compiler. */
export async function measure(experiment: Experiment, effort: Effort, withPeers: boolean): Promise<Figure[]> {
  const pairs: Pair[] = [];
  const near = (): number => pairs.filter(({ state }) => state !== 'far').length;
  while (near() < effort.pairs && pairs.length < effort.most)
    pairs.push(await (withPeers ? runPair(experiment) : runAlone(experiment)));
  const counted = chosen(pairs, effort.pairs);
  return experiment.metrics.map((metric) => toFigure(experiment, metric, counted));
}
