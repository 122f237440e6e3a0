import { measureIdle, measureStalled } from './http-bounds.mjs'
import { measureDelivery, measureFirstEvent, measureNoops } from './http-latency.mjs'
import { measureBroadcast, measureLive, measureReplay } from './http-throughput.mjs'

const SCENARIOS = {
  replay: measureReplay,
  live: measureLive,
  broadcast: measureBroadcast,
  idle: measureIdle,
  'first event': measureFirstEvent,
  delivery: measureDelivery,
  noops: measureNoops,
  stalled: measureStalled,
}

/** Every server that a scenario needs is a process beside this one, which is its only client. */
export function measureScenario({ scenario, ...parameters }) {
  return SCENARIOS[scenario](parameters)
}
