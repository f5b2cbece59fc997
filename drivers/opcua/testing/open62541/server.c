/*
 * An OPC UA server on open62541, for tests against a server that is not ours.
 *
 *   server PORT URI CERTIFICATE.der KEY.der CLIENT.der USER PASSWORD PERIOD_MS
 *
 * Offers every policy of the library with Sign and SignAndEncrypt to the one client whose certificate it is given, and
 * None for asking which endpoints there are. Takes the user with the password, and anonymous. Nodes, namespace
 * urn:cityvitals:rig:open62541: Counter (Int64, one up each period, from a counter of the server), Setpoint (Double,
 * writable), Label (String), List (Double[4]), Fixed (Double, read-only), and Many.0 … Many.9999 (Int32).
 * At most 1,000 nodes and items a call. Prints READY PORT; ends with the end of stdin. Lines on stdin:
 *
 *   pause | go     stops and starts the counter           prints AT n
 *   delete NAME    takes a node away
 */
#include <open62541/plugin/accesscontrol_default.h>
#include <open62541/plugin/log_stdout.h>
#include <open62541/server.h>
#include <open62541/server_config_default.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MANY 10000
#define PER_CALL 1000

static UA_UInt16 ns;
static UA_Int64 counter = 0;
static UA_Boolean counting = true;
static volatile UA_Boolean running = true;

static UA_ByteString load(const char *path) {
    UA_ByteString bytes = UA_BYTESTRING_NULL;
    FILE *file = fopen(path, "rb");
    if(!file) { fprintf(stderr, "cannot read %s\n", path); exit(2); }
    fseek(file, 0, SEEK_END);
    UA_ByteString_allocBuffer(&bytes, (size_t)ftell(file));
    rewind(file);
    if(fread(bytes.data, 1, bytes.length, file) != bytes.length) exit(2);
    fclose(file);
    return bytes;
}

static void add(UA_Server *server, const char *name, const void *value, const UA_DataType *type, size_t length, UA_Byte access) {
    UA_VariableAttributes attributes = UA_VariableAttributes_default;
    if(length > 0) {
        static UA_UInt32 dimensions[1];
        dimensions[0] = (UA_UInt32)length;
        UA_Variant_setArrayCopy(&attributes.value, value, length, type);
        attributes.valueRank = 1;
        attributes.arrayDimensions = dimensions;
        attributes.arrayDimensionsSize = 1;
    } else {
        UA_Variant_setScalarCopy(&attributes.value, value, type);
    }
    attributes.dataType = type->typeId;
    attributes.accessLevel = access;
    attributes.displayName = UA_LOCALIZEDTEXT("", (char *)name);
    UA_Server_addVariableNode(server, UA_NODEID_STRING(ns, (char *)name), UA_NODEID_NUMERIC(0, UA_NS0ID_OBJECTSFOLDER),
        UA_NODEID_NUMERIC(0, UA_NS0ID_ORGANIZES), UA_QUALIFIEDNAME(ns, (char *)name),
        UA_NODEID_NUMERIC(0, UA_NS0ID_BASEDATAVARIABLETYPE), attributes, NULL, NULL);
    UA_Variant_clear(&attributes.value);
}

static void count(UA_Server *server, void *data) {
    (void)data;
    if(!counting) return;
    counter += 1;
    UA_DataValue value;
    UA_DataValue_init(&value);
    UA_Variant_setScalar(&value.value, &counter, &UA_TYPES[UA_TYPES_INT64]);
    value.hasValue = true;
    value.sourceTimestamp = UA_DateTime_now();
    value.hasSourceTimestamp = true;
    UA_Server_writeDataValue(server, UA_NODEID_STRING(ns, "Counter"), value);
}

static void command(UA_Server *server, char *line) {
    if(strcmp(line, "pause") == 0 || strcmp(line, "go") == 0) {
        counting = line[0] == 'g';
        printf("AT %lld\n", (long long)counter);
    } else if(strncmp(line, "delete ", 7) == 0) {
        UA_Server_deleteNode(server, UA_NODEID_STRING(ns, line + 7), true);
        printf("DELETED %s\n", line + 7);
    }
    fflush(stdout);
}

/* Whole lines of what has come on stdin, without waiting. */
static void commands(UA_Server *server) {
    static char line[256];
    static size_t length = 0;
    char byte;
    for(;;) {
        ssize_t got = read(0, &byte, 1);
        if(got == 0) { running = false; return; }
        if(got < 0) return;
        if(byte == '\n') { line[length] = 0; length = 0; command(server, line); }
        else if(length < sizeof line - 1) line[length++] = byte;
    }
}

static void stop(int sig) { (void)sig; running = false; }

int main(int argc, char **argv) {
    if(argc != 9) { fprintf(stderr, "usage: see the head of server.c\n"); return 2; }
    signal(SIGTERM, stop);
    signal(SIGINT, stop);
    fcntl(0, F_SETFL, O_NONBLOCK);
    UA_ServerConfig config;
    memset(&config, 0, sizeof config);
    UA_Logger quiet = UA_Log_Stdout_withLevel(UA_LOGLEVEL_FATAL);
    config.logging = &quiet;
    UA_ByteString certificate = load(argv[3]), key = load(argv[4]), client = load(argv[5]);
    UA_StatusCode done = UA_ServerConfig_setDefaultWithSecurityPolicies(&config, (UA_UInt16)atoi(argv[1]), &certificate, &key, &client, 1, NULL, 0, NULL, 0);
    if(done != UA_STATUSCODE_GOOD) { fprintf(stderr, "config: %s\n", UA_StatusCode_name(done)); return 2; }
    UA_UsernamePasswordLogin login = { UA_STRING(argv[6]), UA_STRING(argv[7]) };
    UA_String policy = UA_STRING("http://opcfoundation.org/UA/SecurityPolicy#Basic256Sha256");
    config.accessControl.clear(&config.accessControl);
    UA_AccessControl_default(&config, true, &policy, 1, &login);
    UA_String_clear(&config.applicationDescription.applicationUri);
    config.applicationDescription.applicationUri = UA_STRING_ALLOC(argv[2]);
    for(size_t i = 0; i < config.endpointsSize; i++) {
        UA_String_clear(&config.endpoints[i].server.applicationUri);
        config.endpoints[i].server.applicationUri = UA_STRING_ALLOC(argv[2]);
    }
    config.maxNodesPerRead = PER_CALL;
    config.maxMonitoredItemsPerCall = PER_CALL;
    config.maxNodesPerBrowse = PER_CALL;
    config.samplingIntervalLimits.min = 0.0;
    config.publishingIntervalLimits.min = 10.0;
    config.queueSizeLimits.max = 10000;
    UA_Server *server = UA_Server_newWithConfig(&config);
    ns = UA_Server_addNamespace(server, "urn:cityvitals:rig:open62541");

    UA_Double setpoint = 20.5, fixed = 1.25, list[4] = {1, 2, 3, 4};
    UA_String label = UA_STRING("泵房 7");
    const UA_Byte readable = UA_ACCESSLEVELMASK_READ, writable = UA_ACCESSLEVELMASK_READ | UA_ACCESSLEVELMASK_WRITE;
    add(server, "Counter", &counter, &UA_TYPES[UA_TYPES_INT64], 0, readable);
    add(server, "Setpoint", &setpoint, &UA_TYPES[UA_TYPES_DOUBLE], 0, writable);
    add(server, "Label", &label, &UA_TYPES[UA_TYPES_STRING], 0, readable);
    add(server, "List", list, &UA_TYPES[UA_TYPES_DOUBLE], 4, readable);
    add(server, "Fixed", &fixed, &UA_TYPES[UA_TYPES_DOUBLE], 0, readable);
    for(UA_Int32 i = 0; i < MANY; i++) {
        char name[32];
        snprintf(name, sizeof name, "Many.%d", (int)i);
        add(server, name, &i, &UA_TYPES[UA_TYPES_INT32], 0, readable);
    }
    UA_Server_addRepeatedCallback(server, count, NULL, atof(argv[8]), NULL);
    done = UA_Server_run_startup(server);
    if(done != UA_STATUSCODE_GOOD) { fprintf(stderr, "start: %s\n", UA_StatusCode_name(done)); return 2; }
    printf("READY %s\n", argv[1]);
    fflush(stdout);
    while(running) {
        UA_Server_run_iterate(server, true);
        commands(server);
    }
    UA_Server_run_shutdown(server);
    UA_Server_delete(server);
    return 0;
}
