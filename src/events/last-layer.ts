import type { EventFor } from './events.ts'

/** The ids of the tasks whose outputs stand for the workflow where it declares none: those of its last layer. */
export function findLastLayer({
  layers,
  finallyFrom = layers.length,
}: Pick<EventFor<'execution_start'>['data'], 'layers' | 'finallyFrom'>): readonly string[] | undefined {
  return layers[finallyFrom - 1]
}
