/**
 * What other workflow languages, and models that mix them up with this one, call the fields of this one. Of several fields,
 * the object that is read decides which one is meant.
 */
const MEANT: Readonly<Record<string, readonly string[]>> = {
  tasks: ['steps', 'nodes', 'jobs', 'stages', 'states'],
  finally: ['onexit', 'always', 'cleanup', 'ensure'],
  inputSchema: ['inputs', 'params', 'parameters'],
  tool: ['action', 'function', 'type', 'uses', 'call', 'command'],
  workflow: ['subworkflow', 'subflow', 'dag', 'template'],
  arguments: ['args', 'input', 'inputs', 'params', 'parameters', 'with'],
  dependsOn: ['needs', 'requires', 'dependencies', 'depends', 'after', 'runafter', 'upstream', 'waitfor'],
  when: ['if', 'condition', 'onlyif', 'runif'],
  runOn: ['triggerrule', 'trigger'],
  optional: ['continueonerror', 'allowfailure', 'ignoreerrors', 'ignorefailure'],
  default: ['fallback'],
  forEach: ['map', 'matrix', 'items', 'itemspath', 'withitems', 'withparam', 'loop', 'for', 'each', 'over'],
  concurrency: ['parallelism', 'parallel', 'maxparallel', 'maxconcurrency', 'batchsize'],
  tolerate: ['tolerance', 'toleratedfailurecount', 'toleratedfailurepercentage'],
  repeat: ['until', 'while', 'dowhile', 'poll'],
  retry: ['retries', 'retrystrategy', 'retrypolicy', 'maxretries'],
  maxTimes: ['times', 'count', 'max', 'limit', 'maxiterations', 'maxattempts'],
  maxAttempts: ['attempts', 'limit', 'max', 'times', 'count', 'retries'],
  everyMs: ['interval', 'intervalms', 'delay', 'delayms'],
  initialDelayMs: ['delay', 'delayms', 'interval', 'intervalms', 'backoff'],
}

const FIELDS = new Map<string, string[]>()
for (const [field, words] of Object.entries(MEANT)) {
  for (const word of words) FIELDS.set(word, [...(FIELDS.get(word) ?? []), field])
}

/** The one of the accepted fields that a word of another language means, whatever its case and separators. */
export function translateField(word: string, accepted: readonly string[]): string | undefined {
  // Longer than any word; it may be of any length.
  if (word.length > 40) return undefined
  const plain = word.toLowerCase().replaceAll(/[_ -]/g, '')
  return (
    accepted.find(field => field.toLowerCase() === plain) ?? FIELDS.get(plain)?.find(field => accepted.includes(field))
  )
}
