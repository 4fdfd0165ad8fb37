// Makes as many system calls as one CPU can: it writes bytes to its standard output until its parent ends.

#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

int main() {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    while (write(STDOUT_FILENO, "", 1) == 1) {
    }
}
