// A stranger to Lambent: endpoint, region and keys come from the environment alone. Prints one JSON document.
//
//     client.js live NAME ZIP RUNTIME ROLE    a function's life
//     client.js invoke NAME EVENT             one call
//     client.js whoami                        whose keys these are

import { readFile } from "node:fs/promises";
import {
  CreateFunctionCommand,
  DeleteFunctionCommand,
  GetFunctionCommand,
  InvokeCommand,
  LambdaClient,
  paginateListFunctions,
  ResourceNotFoundException,
  waitUntilFunctionActiveV2,
} from "@aws-sdk/client-lambda";
import { GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";

const parsed = (payload) => JSON.parse(payload.transformToString());

async function live(name, code, runtime, role) {
  const client = new LambdaClient();
  const created = await client.send(
    new CreateFunctionCommand({
      FunctionName: name,
      Description: "größer ✓",
      Runtime: runtime,
      Handler: "app.greet",
      Role: role,
      Timeout: 10,
      Environment: { Variables: { GREETING: "grüß dich" } },
      Code: { ZipFile: await readFile(code) },
    }),
  );
  await waitUntilFunctionActiveV2({ client, maxWaitTime: 60 }, { FunctionName: name });
  const { Configuration: active } = await client.send(new GetFunctionCommand({ FunctionName: name }));
  const listed = [];
  for await (const page of paginateListFunctions({ client, pageSize: 1 }, {})) {
    listed.push(...page.Functions.map((each) => each.FunctionName));
  }
  const call = (event, more) =>
    client.send(new InvokeCommand({ FunctionName: name, Payload: JSON.stringify(event), ...more }));
  const called = await call({ name: "wörld ✓" }, { LogType: "Tail" });
  const large = await call({ name: "x".repeat(1 << 20) });
  const failed = await call({});
  await client.send(new DeleteFunctionCommand({ FunctionName: name }));
  return {
    created: created.FunctionArn,
    active: {
      state: active.State,
      update: active.LastUpdateStatus,
      description: active.Description,
      timeout: active.Timeout,
      variables: active.Environment.Variables,
    },
    listed,
    called: {
      status: called.StatusCode,
      version: called.ExecutedVersion,
      answer: parsed(called.Payload),
      log: Buffer.from(called.LogResult, "base64").toString(),
    },
    large: parsed(large.Payload).greeting.length,
    failed: { error: failed.FunctionError, type: parsed(failed.Payload).errorType },
    gone: await missing(client, name),
  };
}

async function missing(client, name) {
  try {
    await client.send(new GetFunctionCommand({ FunctionName: name }));
    return null;
  } catch (error) {
    if (!(error instanceof ResourceNotFoundException)) throw error;
    return {
      error: error.name,
      message: error.message,
      status: error.$metadata.httpStatusCode,
      requestId: error.$metadata.requestId,
    };
  }
}

async function invoke(name, event) {
  const answer = await new LambdaClient().send(new InvokeCommand({ FunctionName: name, Payload: event }));
  return { status: answer.StatusCode, answer: parsed(answer.Payload) };
}

async function whoami() {
  const identity = await new STSClient().send(new GetCallerIdentityCommand());
  return { account: identity.Account, arn: identity.Arn };
}

const [verb, ...args] = process.argv.slice(2);
console.log(JSON.stringify(await { live, invoke, whoami }[verb](...args)));
