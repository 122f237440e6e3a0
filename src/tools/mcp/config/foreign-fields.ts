/** Fields of other hosts that say how a host asks its user or shows a server: here nobody is asked, and nothing is shown. */
export const IGNORED_FIELDS: ReadonlySet<string> = new Set(['alwaysAllow', 'autoApprove', 'trust', 'description'])

const TOOL_FILTER = 'what a workflow does not name is not called'

/** Fields of other hosts that would change what is done, by what is said here instead. */
const HINTS: Readonly<Record<string, string>> = {
  timeout: 'say `timeoutMs`, in milliseconds: hosts do not agree on the unit of `timeout`',
  serverUrl: 'say `url`',
  httpUrl: 'say `url`',
  transport: 'say `type`',
  transportType: 'say `type`',
  enabled: 'say `disabled`',
  envFile: 'say `env`, where `${NAME}` stands for a variable of the environment',
  oauth: 'OAuth is not supported; credentials belong into `headers`',
  auth: 'OAuth is not supported; credentials belong into `headers`',
  includeTools: TOOL_FILTER,
  excludeTools: TOOL_FILTER,
  enabledTools: TOOL_FILTER,
  disabledTools: TOOL_FILTER,
}

/** What to do about a field that only other hosts know. */
export function findFieldHint(field: string): string | undefined {
  return Object.hasOwn(HINTS, field) ? HINTS[field] : undefined
}
