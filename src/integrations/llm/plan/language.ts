/** The language of workflows for models: the text of docs/for-models.md, which a test compares. At most 1,200 tokens. */
export const LANGUAGE: string = `Write a workflow: one JSON object with these fields only.

Document: \`tasks\` (required), \`name\`, \`description\`, \`finally\` (tasks that always run last), \`finallyTimeoutMs\`, \`inputSchema\` (JSON Schema), \`output\` (JSON with references), \`$schema\`.

Task: \`id\` (required, unique, no \`[\` \`]\`) and one of
- \`tool\`: name of a tool
- \`workflow\`: a document, or the name of a registered one; \`arguments\` are its \`$INPUT\`, it sees only its own tasks. No \`retry\`.

Optional fields of a task:
- \`arguments\`: object with references
- \`dependsOn\` (or \`depends_on\`): ids that come first; references add theirs. No circles. The rest runs in parallel.
- \`when\`: CEL, must be boolean; false skips the task without a failure
- \`runOn\`: "success" (default), "failure" (a dependency failed), "settled" (all ended, in any way)
- \`optional\`: true tolerates failure; readers get \`default\` (else null)
- \`forEach\`: array, reference to one, or object of arrays (product); one task per item; output: array. With it: \`concurrency\` (items at once), \`tolerate\` (failed items allowed: 3 or "10%"; those are null).
- \`repeat\`: {\`maxTimes\` (required, ≤1000), \`until\` (CEL over \`result\`, \`index\`, \`input\`), \`everyMs\`, \`factor\` (of the delay), \`onExhausted\`: "fail" or "keep"}; output: last round's. Not with \`forEach\`.
- \`timeoutMs\`: per attempt; of a \`workflow\` in all
- \`retry\`: {\`maxAttempts\`, \`initialDelayMs\`, \`factor\`, \`maxDelayMs\`, \`jitter\`}
- \`cache\`: {\`ttlMs\`, \`key\`, \`effects\`} reuses an earlier output
- \`approve\`: true, a question, or {\`message\`, \`expiresMs\`}: a person must agree
- \`estimatedMs\`, \`name\`, \`description\`

References, in strings of \`arguments\`, \`forEach\`, \`output\`; alone they keep their type, in text they become text:
- \`$INPUT.a.b\`, \`$OUTPUT[id].list[0]["odd key"]\`, \`[*]\` for each: \`$OUTPUT[id][*].name\`. A missing key fails the task.
- \`forEach\`: \`$ITEM\`, \`$INDEX\`; \`repeat\`: \`$PREVIOUS\` (null at first), \`$INDEX\`
- only with \`runOn\` "failure"/"settled" or in \`finally\`: \`$STATUS[id]\` ("success", "error", "skipped", "cancelled"), \`$ERROR[id].message\`/\`.code\`; there outputs that do not exist are null
- only in \`finally\`: \`$STATUS\`. Tasks in \`finally\` depend on each other only, and read all.

CEL in \`when\`: \`input.n > 3\`, \`output.ID.key\`, \`output["my-id"]\`, \`status.ID\`, \`error.ID.code\`, \`item\`, \`index\`, in \`finally\` \`execution.status\`. Operators \`== != < && || ! in + - * / % ?:\`, \`has(a.b)\`, \`size(x)\`, \`.contains() .startsWith() .endsWith()\`, \`.exists(x, …) .all() .filter() .map()\`. What it names is a dependency. A missing key is a failure: guard by \`has(…) &&\` or \`!= null &&\`.

Failure of a task skips what depends on it. A skip by \`when\` or \`runOn\` skips only what reads the task, not what lists it in \`dependsOn\`.

\`\`\`json
{ "name": "triage",
  "inputSchema": { "type": "object", "required": ["repo"] },
  "tasks": [
    { "id": "issues", "tool": "list", "arguments": { "repo": "$INPUT.repo" } },
    { "id": "label", "tool": "chat", "forEach": "$OUTPUT[issues].items", "concurrency": 4, "tolerate": "10%",
      "arguments": { "prompt": "Label: $ITEM.title" } },
    { "id": "page", "tool": "call", "when": "output.label.exists(x, x != null && x.urgent)", "optional": true },
    { "id": "review", "workflow": {
        "tasks": [{ "id": "draft", "tool": "chat", "arguments": { "prompt": "Improve: $INPUT.text" } }],
        "output": "$OUTPUT[draft]" },
      "arguments": { "text": "$PREVIOUS" },
      "repeat": { "until": "result.score >= 8", "maxTimes": 5, "onExhausted": "keep" } },
    { "id": "undo", "tool": "call", "runOn": "failure", "dependsOn": ["review"],
      "arguments": { "why": "$ERROR[review].message" } } ],
  "finally": [{ "id": "tell", "tool": "call", "arguments": { "text": "Ended: $STATUS" } }],
  "output": { "labels": "$OUTPUT[label]" } }
\`\`\``
