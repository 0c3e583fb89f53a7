// A stranger to Lambent: endpoint, region and keys come from the environment alone. Prints one JSON document.
//
//	client live NAME ZIP RUNTIME ROLE    a function's life
//	client invoke NAME EVENT             one call
//	client whoami                        whose keys these are
package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"os"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

type object = map[string]any

func main() {
	ctx := context.Background()
	settings, err := config.LoadDefaultConfig(ctx)
	check(err)
	var answer object
	switch verb, arguments := os.Args[1], os.Args[2:]; verb {
	case "live":
		answer = live(ctx, lambda.NewFromConfig(settings), arguments[0], arguments[1], arguments[2], arguments[3])
	case "invoke":
		answer = invoke(ctx, lambda.NewFromConfig(settings), arguments[0], arguments[1])
	case "whoami":
		answer = whoami(ctx, sts.NewFromConfig(settings))
	default:
		log.Fatalf("no verb %s", verb)
	}
	text, err := json.Marshal(answer)
	check(err)
	fmt.Println(string(text))
}

func live(ctx context.Context, client *lambda.Client, name, code, runtime, role string) object {
	zip, err := os.ReadFile(code)
	check(err)
	created, err := client.CreateFunction(ctx, &lambda.CreateFunctionInput{
		FunctionName: &name,
		Description:  aws.String("größer ✓"),
		Runtime:      types.Runtime(runtime),
		Handler:      aws.String("app.greet"),
		Role:         &role,
		Timeout:      aws.Int32(10),
		Environment:  &types.Environment{Variables: map[string]string{"GREETING": "grüß dich"}},
		Code:         &types.FunctionCode{ZipFile: zip},
	})
	check(err)
	waiter := lambda.NewFunctionActiveV2Waiter(client)
	check(waiter.Wait(ctx, &lambda.GetFunctionInput{FunctionName: &name}, time.Minute))
	got, err := client.GetFunction(ctx, &lambda.GetFunctionInput{FunctionName: &name})
	check(err)
	active := got.Configuration
	var listed []string
	pages := lambda.NewListFunctionsPaginator(client, &lambda.ListFunctionsInput{MaxItems: aws.Int32(1)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		check(err)
		for _, function := range page.Functions {
			listed = append(listed, *function.FunctionName)
		}
	}
	called, answer := call(ctx, client, name, object{"name": "wörld ✓"})
	tail, err := base64.StdEncoding.DecodeString(*called.LogResult)
	check(err)
	_, large := call(ctx, client, name, object{"name": strings.Repeat("x", 1<<20)})
	failed, failure := call(ctx, client, name, object{})
	_, err = client.DeleteFunction(ctx, &lambda.DeleteFunctionInput{FunctionName: &name})
	check(err)
	return object{
		"created": created.FunctionArn,
		"active": object{
			"state":       active.State,
			"update":      active.LastUpdateStatus,
			"description": active.Description,
			"timeout":     active.Timeout,
			"variables":   active.Environment.Variables,
		},
		"listed": listed,
		"called": object{
			"status":  called.StatusCode,
			"version": called.ExecutedVersion,
			"answer":  answer,
			"log":     string(tail),
		},
		"large":  len(large["greeting"].(string)),
		"failed": object{"error": failed.FunctionError, "type": failure["errorType"]},
		"gone":   missing(ctx, client, name),
	}
}

func call(ctx context.Context, client *lambda.Client, name string, event object) (*lambda.InvokeOutput, object) {
	payload, err := json.Marshal(event)
	check(err)
	output, err := client.Invoke(ctx, &lambda.InvokeInput{
		FunctionName: &name,
		Payload:      payload,
		LogType:      types.LogTypeTail,
	})
	check(err)
	var answer object
	check(json.Unmarshal(output.Payload, &answer))
	return output, answer
}

func missing(ctx context.Context, client *lambda.Client, name string) object {
	_, err := client.GetFunction(ctx, &lambda.GetFunctionInput{FunctionName: &name})
	var gone *types.ResourceNotFoundException
	var response *awshttp.ResponseError
	if !errors.As(err, &gone) || !errors.As(err, &response) {
		log.Fatalf("not the error that was expected: %v", err)
	}
	return object{
		"error":     gone.ErrorCode(),
		"message":   gone.ErrorMessage(),
		"status":    response.HTTPStatusCode(),
		"requestId": response.ServiceRequestID(),
	}
}

func invoke(ctx context.Context, client *lambda.Client, name, event string) object {
	output, err := client.Invoke(ctx, &lambda.InvokeInput{FunctionName: &name, Payload: []byte(event)})
	check(err)
	return object{"status": output.StatusCode, "answer": json.RawMessage(output.Payload)}
}

func whoami(ctx context.Context, client *sts.Client) object {
	identity, err := client.GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	check(err)
	return object{"account": identity.Account, "arn": identity.Arn}
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
