"""Who may knock where: a written row for every endpoint, held against the URL map and tried with and without tokens."""

import re
from uuid import uuid4

import pytest

from app.core.stamp import ActorKind
from tests.sessions import open_session

ROWS = """
GET  /                                                             page
GET  /assets/<path:name>                                           page
GET  /docs/<door>                                                  page
GET  /healthz                                                      page
GET  /readyz                                                       page
GET  /metrics                                                      page

GET  /miniprogram/v1/openapi.json                                  page
POST /miniprogram/v1/sign-in                                       anybody
POST /miniprogram/v1/sign-out                                      resident
GET  /miniprogram/v1/me                                            resident
PUT  /miniprogram/v1/me                                            resident
GET  /miniprogram/v1/filing-form                                   anybody
GET  /miniprogram/v1/categories                                    anybody
GET  /miniprogram/v1/grids                                         anybody
GET  /miniprogram/v1/units                                         anybody
POST /miniprogram/v1/grids/at                                      anybody
POST /miniprogram/v1/reports                                       resident
POST /miniprogram/v1/anonymous-reports                             unnamed_resident
GET  /miniprogram/v1/cases                                         resident
GET  /miniprogram/v1/cases/<number>                                resident
POST /miniprogram/v1/cases/<number>/urging                         resident
POST /miniprogram/v1/cases/<number>/information                    resident
POST /miniprogram/v1/cases/<number>/supplements                    resident
POST /miniprogram/v1/cases/<number>/rating                         resident
POST /miniprogram/v1/cases/<number>/reopening                      resident
POST /miniprogram/v1/cases/<number>/withdrawal                     resident
POST /miniprogram/v1/cases/<number>/withdrawal/revocation            resident
GET  /miniprogram/v1/published-cases                               resident
POST /miniprogram/v1/published-cases/<number>/me-too               resident
GET  /miniprogram/v1/cases/<number>/consent                        resident
POST /miniprogram/v1/cases/<number>/corrections                    resident
POST /miniprogram/v1/cases/<number>/consent-dispute                resident
POST /miniprogram/v1/head/joining                                  resident
POST /miniprogram/v1/volunteer/joining                             resident
GET  /miniprogram/v1/head/groups                                   resident
GET  /miniprogram/v1/head/households                               resident
POST /miniprogram/v1/head/logs                                     resident
GET  /miniprogram/v1/head/logs                                     resident
GET  /miniprogram/v1/home-requests                                 resident
POST /miniprogram/v1/home-requests                                 resident
POST /miniprogram/v1/claims                                        resident
POST /miniprogram/v1/look-ups                                      anybody
POST /miniprogram/v1/look-ups/urging                               anybody
POST /miniprogram/v1/look-ups/information                          anybody
POST /miniprogram/v1/look-ups/supplements                          anybody
POST /miniprogram/v1/look-ups/rating                               anybody
POST /miniprogram/v1/look-ups/corrections                          anybody
POST /miniprogram/v1/look-ups/consent-dispute                      anybody
POST /miniprogram/v1/look-ups/reopening                            anybody
POST /miniprogram/v1/look-ups/withdrawal                           anybody

GET  /grid/v1/openapi.json                                         page
POST /grid/v1/sign-in                                              anybody
POST /grid/v1/sign-out                                             staff
GET  /grid/v1/me                                                   staff
GET  /grid/v1/grids                                                staff
POST /grid/v1/grids/at                                             staff
GET  /grid/v1/grids/shapes                                         staff
POST /grid/v1/cases/<number>/grid                                  staff
GET  /grid/v1/households                                           staff
GET  /grid/v1/households/<int:household_id>                        staff
POST /grid/v1/visits                                               staff
POST /grid/v1/visits/<uuid:key>/photos                             staff
GET  /grid/v1/coverage                                             staff
GET  /grid/v1/tasks                                                staff
GET  /grid/v1/tasks/<int:task_id>                                  staff
POST /grid/v1/tasks/<int:task_id>/visit                            staff
POST /grid/v1/tasks/<int:task_id>/cancellation                     staff
GET  /grid/v1/households/<int:household_id>/visits                 staff
GET  /grid/v1/visit-topics                                         staff
GET  /grid/v1/visit-effects                                        staff
POST /grid/v1/visit-effects/<int:effect_id>/confirmation           staff
POST /grid/v1/visit-effects/<int:effect_id>/refusal                staff
POST /grid/v1/visit-effects/<int:effect_id>/undoing                staff
POST /grid/v1/filings                                              staff
GET  /grid/v1/filings                                              staff
GET  /grid/v1/filings/counts                                       staff
POST /grid/v1/filings/consent-codes                                staff
POST /grid/v1/filings/consent-codes/<int:code_id>/proof            staff
POST /grid/v1/filings/<number>/claim-code                          staff
POST /grid/v1/filings/<number>/hand-over                           staff
POST /grid/v1/filings/<number>/withdrawal                          staff
POST /grid/v1/groups/<code>/heads/<int:resident_id>/code           staff
POST /grid/v1/residents/<int:resident_id>/account-code             staff
GET  /grid/v1/head-work                                            staff
GET  /grid/v1/head-work/total                                      staff
GET  /grid/v1/home-requests                                        staff
POST /grid/v1/home-requests/<number>/taking                        staff
POST /grid/v1/home-requests/<number>/contact                       staff
POST /grid/v1/home-requests/<number>/declining                     staff
POST /grid/v1/home-requests/<number>/giving-back                   staff
POST /grid/v1/home-requests/<number>/answer                        staff
GET  /grid/v1/cases                                                staff
GET  /grid/v1/cases/<number>                                       staff
POST /grid/v1/cases/<number>/answer                                staff
POST /grid/v1/cases/<number>/information                           staff
POST /grid/v1/cases/<number>/supplements                           staff
POST /grid/v1/cases/<number>/look                                  staff
POST /grid/v1/cases/<number>/appraisals                            staff
GET  /grid/v1/looks                                                staff
GET  /grid/v1/work                                                 staff
GET  /grid/v1/work/hands                                           staff
POST /grid/v1/cases/<number>/signature                             staff
POST /grid/v1/cases/<number>/contact                               staff
POST /grid/v1/cases/<number>/assist-result                         staff
POST /grid/v1/cases/<number>/result                                staff
POST /grid/v1/cases/<number>/handing-on                            staff
POST /grid/v1/cases/<number>/requests                              staff
POST /grid/v1/cases/<number>/requests/<int:request_id>/withdrawal  staff
POST /grid/v1/cases/<number>/dial                                  staff
GET  /grid/v1/sync                                                 staff
POST /grid/v1/sync                                                 staff

GET  /desk/v1/openapi.json                                         page
POST /desk/v1/sign-in                                              anybody
POST /desk/v1/sign-out                                             staff
GET  /desk/v1/me                                                   staff
POST /desk/v1/registrations                                        staff
POST /desk/v1/home-requests                                        staff
POST /desk/v1/calls                                                staff
GET  /desk/v1/calls                                                staff
GET  /desk/v1/cases                                                staff
POST /desk/v1/cases/by-phone                                       staff
GET  /desk/v1/cases/<number>                                       staff
GET  /desk/v1/cases/<number>/entries                               staff
POST /desk/v1/cases/<number>/dial                                  staff
POST /desk/v1/cases/<number>/unmask                                staff
POST /desk/v1/cases/<number>/acceptance                            staff
POST /desk/v1/cases/<number>/question                              staff
POST /desk/v1/cases/<number>/information                           staff
POST /desk/v1/cases/<number>/supplement                            staff
POST /desk/v1/cases/<number>/answer                                staff
GET  /desk/v1/whistles                                              staff
POST /desk/v1/cases/<number>/whistles                               staff
POST /desk/v1/cases/<number>/whistles/<int:whistle_id>/cancellation staff
POST /desk/v1/cases/<number>/whistle-calls/<int:call_id>/arrival    staff
POST /desk/v1/cases/<number>/whistle-calls/<int:call_id>/help       staff
POST /desk/v1/cases/<number>/whistle-calls/<int:call_id>/justification staff
POST /desk/v1/cases/<number>/whistle-calls/<int:call_id>/ruling     staff
GET  /grid/v1/whistles                                              staff
POST /grid/v1/cases/<number>/whistles                               staff
POST /grid/v1/cases/<number>/whistles/<int:whistle_id>/cancellation staff
POST /grid/v1/cases/<number>/whistle-calls/<int:call_id>/arrival    staff
POST /grid/v1/cases/<number>/whistle-calls/<int:call_id>/help       staff
POST /grid/v1/cases/<number>/whistle-calls/<int:call_id>/justification staff
GET  /miniprogram/v1/cases/<number>/whistles                       resident
POST /miniprogram/v1/cases/<number>/whistles                       resident
POST /miniprogram/v1/cases/<number>/whistles/<int:whistle_id>/cancellation resident
POST /miniprogram/v1/cases/<number>/whistle-calls/<int:call_id>/help resident
GET  /desk/v1/rules/policies                                       staff
POST /desk/v1/rules/policies                                       staff
GET  /desk/v1/rules/policies/<code>                                staff
POST /desk/v1/rules/policies/<code>/end                            staff
POST /desk/v1/rules/policies/dry-run                               staff
POST /desk/v1/rules/policies/dry-run/cases                         staff
GET  /desk/v1/rules/changes                                        staff
GET  /desk/v1/rules/settings                                       staff
PUT  /desk/v1/rules/settings                                       staff
GET  /desk/v1/rules/categories                                     staff
POST /desk/v1/rules/categories                                     staff
PATCH /desk/v1/rules/categories/<int:category_id>                  staff
GET  /desk/v1/rules/reasons                                        staff
PUT  /desk/v1/rules/reasons/<code>                                 staff
GET  /desk/v1/rules/calendar/<int:year>                            staff
PUT  /desk/v1/rules/calendar/days/<day>                            staff
GET  /desk/v1/rules/hours                                          staff
PUT  /desk/v1/rules/hours                                          staff
GET  /desk/v1/requests                                             staff
POST /desk/v1/cases/<number>/requests                              staff
POST /desk/v1/cases/<number>/requests/<int:request_id>/decision    staff
POST /desk/v1/cases/<number>/requests/<int:request_id>/withdrawal  staff
POST /desk/v1/cases/<number>/withdrawal                            staff
POST /desk/v1/cases/<number>/resumption                            staff
POST /desk/v1/cases/<number>/triage                                staff
POST /desk/v1/cases/<number>/reopening                             staff
POST /desk/v1/cases/<number>/settlement                            staff
POST /desk/v1/cases/<number>/dispatch                              staff
POST /desk/v1/cases/<number>/signature                             staff
POST /desk/v1/cases/<number>/sub-dispatch                          staff
POST /desk/v1/cases/<number>/handler                               staff
POST /desk/v1/cases/<number>/raise                                 staff
POST /desk/v1/cases/<number>/emergency                             staff
POST /desk/v1/cases/<number>/arrival                               staff
POST /desk/v1/cases/<number>/correction                            staff
POST /desk/v1/corrections                                          staff
GET  /desk/v1/cases/<number>/merge-candidates                      staff
POST /desk/v1/cases/<number>/merge                                 staff
POST /desk/v1/cases/<number>/unmerge                               staff
POST /desk/v1/cases/<number>/recurrence                            staff
POST /desk/v1/cases/<number>/publication                           staff
POST /desk/v1/cases/<number>/publication/end                       staff
POST /desk/v1/cases/<number>/contact                               staff
POST /desk/v1/cases/<number>/assist-result                         staff
POST /desk/v1/cases/<number>/result                                staff
POST /desk/v1/cases/<number>/review/pass                           staff
GET  /desk/v1/cases/<number>/checklist                              staff
POST /desk/v1/cases/<number>/appraisals                             staff
POST /desk/v1/cases/<number>/review/send-back                      staff
POST /desk/v1/cases/<number>/callback-attempts                     staff
POST /desk/v1/cases/<number>/callbacks                             staff
GET  /desk/v1/cases/<number>/callees                                staff
GET  /desk/v1/callbacks                                             staff
GET  /desk/v1/triage                                                staff
POST /desk/v1/cases/<number>/upstream-confirmation                 staff
POST /desk/v1/cases/<number>/upstream-callback                     staff
POST /desk/v1/cases/<number>/upstream-return                       staff
POST /desk/v1/cases/<number>/upstream-moments                      staff
POST /desk/v1/cases/<number>/upstream-signature                    staff
GET  /desk/v1/upstream-returns                                     staff
GET  /desk/v1/duties                                               staff
POST /desk/v1/duties                                               staff
POST /desk/v1/duties/<int:duty_id>/end                             staff
GET  /desk/v1/cases/<number>/dispatch-suggestions                  staff
POST /desk/v1/supervision/urgings                                   staff
POST /desk/v1/supervision/orders                                    staff
POST /desk/v1/supervision/drafts/issue                              staff
POST /desk/v1/supervision/drafts/discard                            staff
GET  /desk/v1/supervision/urgings/<int:urging_id>/slip              staff
GET  /desk/v1/supervision/orders/<int:order_id>/slip                staff
GET  /desk/v1/supervision/late                                      staff
GET  /desk/v1/supervision/listed                                    staff
GET  /desk/v1/supervision/drafts                                    staff
GET  /desk/v1/supervision/orders                                    staff
GET  /desk/v1/supervision/repeated                                  staff
GET  /desk/v1/supervision/suspended                                 staff
GET  /desk/v1/supervision/counts                                    staff
GET  /desk/v1/supervision/disputed-consents                         staff
GET  /desk/v1/supervision/filings-from-afar                         staff
POST /desk/v1/cases/<number>/consent-ruling                         staff
POST /desk/v1/cases/<number>/consent                                staff
GET  /desk/v1/figures                                               staff
GET  /desk/v1/figures/table                                         staff
GET  /desk/v1/figures/table.xlsx                                    staff
GET  /desk/v1/figures/<code>                                        staff
GET  /desk/v1/figures/<code>/cases                                  staff
GET  /desk/v1/figures/<code>/cases.xlsx                             staff
GET  /desk/v1/digests                                               staff
GET  /desk/v1/digests/paper.pdf                                     staff
GET  /desk/v1/digests/paper.docx                                    staff
GET  /grid/v1/digests                                               staff
GET  /grid/v1/digests/paper.pdf                                     staff
GET  /grid/v1/digests/paper.docx                                    staff
POST /desk/v1/cases/<number>/resident-urging                        staff
GET  /desk/v1/cases/<number>/supervision                            staff
GET  /desk/v1/cases/<number>/order-slip                             staff
POST /desk/v1/cases/<number>/supervision-orders/<int:order_id>/answer      staff
POST /desk/v1/cases/<number>/supervision-orders/<int:order_id>/acceptance  staff
POST /desk/v1/cases/<number>/supervision-orders/<int:order_id>/insistence  staff
POST /desk/v1/meetings                                              staff
GET  /desk/v1/meetings                                              staff
GET  /desk/v1/meetings/<int:meeting_id>                             staff
GET  /desk/v1/meetings/<int:meeting_id>/agenda                      staff
POST /desk/v1/meetings/<int:meeting_id>/decisions                   staff
GET  /desk/v1/meetings/<int:meeting_id>/decisions                   staff
GET  /desk/v1/meetings/<int:meeting_id>/previous-decisions          staff
GET  /desk/v1/shifts/now                                           staff
GET  /desk/v1/shifts/gaps                                          staff
GET  /desk/v1/shifts/hand-over                                     staff
POST /desk/v1/shifts/hand-over                                     staff
GET  /desk/v1/shifts/hand-overs                                    staff
GET  /desk/v1/accounts                                             staff
POST /desk/v1/accounts/<login>/hand-over                           staff
POST /desk/v1/accounts/<login>/closure                             staff
GET  /desk/v1/shifts/roster                                        staff
POST /desk/v1/shifts/roster                                        staff
POST /desk/v1/shifts/roster/<int:entry_id>/end                     staff
GET  /desk/v1/shifts/stand-ins                                     staff
POST /desk/v1/shifts/stand-ins                                     staff
GET  /desk/v1/shifts/leaves                                        staff
POST /desk/v1/shifts/leaves                                        staff
POST /desk/v1/shifts/leaves/<int:leave_id>/end                     staff
POST /desk/v1/grid-shapes/dry-run                                  staff
POST /desk/v1/grid-shapes                                          staff
GET  /desk/v1/grid-shapes                                          staff
GET  /desk/v1/grid-shapes/<int:version>                            staff
POST /miniprogram/v1/uploads                                       resident
GET  /miniprogram/v1/uploads/<int:file_id>                         resident
PATCH /miniprogram/v1/uploads/<int:file_id>                         resident
POST /grid/v1/uploads                                              staff
GET  /grid/v1/uploads/<int:file_id>                                staff
PATCH /grid/v1/uploads/<int:file_id>                                staff
POST /desk/v1/uploads                                              staff
GET  /desk/v1/uploads/<int:file_id>                                staff
PATCH /desk/v1/uploads/<int:file_id>                                staff
POST /miniprogram/v1/anonymous-uploads                             unnamed_resident
GET  /miniprogram/v1/anonymous-uploads/<int:file_id>               unnamed_resident
PATCH /miniprogram/v1/anonymous-uploads/<int:file_id>               unnamed_resident
GET  /files/<token>                                                page
POST /desk/v1/campaigns                                            staff
GET  /desk/v1/campaigns                                            staff
GET  /desk/v1/campaigns/<int:campaign_id>                          staff
POST /desk/v1/campaigns/<int:campaign_id>/end                      staff
GET  /desk/v1/visit-rules                                          staff
PUT  /desk/v1/visit-rules/<code>                                   staff
GET  /desk/v1/visit-topics                                         staff
PUT  /desk/v1/visit-topics/<code>                                  staff
GET  /desk/v1/visit-effects                                        staff
POST /desk/v1/visit-effects/<int:effect_id>/confirmation           staff
POST /desk/v1/visit-effects/<int:effect_id>/refusal                staff
POST /desk/v1/visit-effects/<int:effect_id>/undoing                staff
GET  /desk/v1/figures/coverage                                     staff
GET  /desk/v1/late-visits                                          staff
GET  /desk/v1/late-visits/villages                                 staff
POST /desk/v1/visit-exports                                         staff
GET  /desk/v1/units                                                staff
GET  /desk/v1/grids                                                staff
GET  /desk/v1/categories                                           staff
GET  /desk/v1/reasons                                              staff

POST /grid/v1/households                                             staff
PATCH /grid/v1/households/<int:household_id>                          staff
POST /grid/v1/households/<int:household_id>/move                     staff
POST /grid/v1/households/<int:household_id>/end                      staff
GET  /grid/v1/households/<int:household_id>/history                  staff
POST /grid/v1/households/<int:household_id>/residents                staff
GET  /grid/v1/residents                                              staff
GET  /grid/v1/residents/<int:resident_id>                            staff
PATCH /grid/v1/residents/<int:resident_id>                            staff
POST /grid/v1/residents/<int:resident_id>/move                       staff
POST /grid/v1/residents/<int:resident_id>/end                        staff
POST /grid/v1/residents/<int:resident_id>/restore                    staff
GET  /grid/v1/residents/<int:resident_id>/history                    staff
POST /grid/v1/residents/<int:resident_id>/tags                       staff
POST /grid/v1/residents/<int:resident_id>/tags/end                   staff
POST /grid/v1/residents/<int:resident_id>/care                       staff
POST /grid/v1/care/<int:care_id>/end                                 staff
GET  /grid/v1/populations                                            staff
POST /grid/v1/residents/find                                         staff
POST /grid/v1/residents/<int:resident_id>/dial                       staff
GET  /grid/v1/groups                                                 staff
POST /grid/v1/groups                                                 staff
GET  /grid/v1/groups/<code>                                          staff
PATCH /grid/v1/groups/<code>                                          staff
GET  /grid/v1/groups/<code>/history                                  staff
POST /grid/v1/groups/<code>/end                                      staff
POST /grid/v1/groups/<code>/heads                                    staff
POST /grid/v1/groups/<code>/heads/end                                staff
GET  /desk/v1/households                                             staff
POST /desk/v1/households                                             staff
GET  /desk/v1/households/<int:household_id>                          staff
PATCH /desk/v1/households/<int:household_id>                          staff
POST /desk/v1/households/<int:household_id>/move                     staff
POST /desk/v1/households/<int:household_id>/end                      staff
GET  /desk/v1/households/<int:household_id>/history                  staff
POST /desk/v1/households/<int:household_id>/residents                staff
GET  /desk/v1/residents                                              staff
GET  /desk/v1/residents/<int:resident_id>                            staff
PATCH /desk/v1/residents/<int:resident_id>                            staff
POST /desk/v1/residents/<int:resident_id>/move                       staff
POST /desk/v1/residents/<int:resident_id>/end                        staff
POST /desk/v1/residents/<int:resident_id>/restore                    staff
GET  /desk/v1/residents/<int:resident_id>/history                    staff
POST /desk/v1/residents/<int:resident_id>/tags                       staff
POST /desk/v1/residents/<int:resident_id>/tags/end                   staff
POST /desk/v1/residents/<int:resident_id>/care                       staff
POST /desk/v1/care/<int:care_id>/end                                 staff
GET  /desk/v1/populations                                            staff
POST /desk/v1/residents/find                                         staff
POST /desk/v1/residents/<int:resident_id>/dial                       staff
GET  /desk/v1/groups                                                 staff
POST /desk/v1/groups                                                 staff
GET  /desk/v1/groups/<code>                                          staff
PATCH /desk/v1/groups/<code>                                          staff
GET  /desk/v1/groups/<code>/history                                  staff
POST /desk/v1/groups/<code>/end                                      staff
POST /desk/v1/groups/<code>/heads                                    staff
POST /desk/v1/roster-imports                                        staff
GET  /desk/v1/roster-imports                                        staff
GET  /desk/v1/roster-imports/<int:import_id>                        staff
GET  /desk/v1/roster-imports/<int:import_id>/report.xlsx            staff
POST /desk/v1/roster-exports                                        staff
GET  /desk/v1/list-exports                                          staff
GET  /desk/v1/list-exports/<int:export_id>                          staff
GET  /desk/v1/list-exports/<int:export_id>/list.xlsx                staff
GET  /desk/v1/export-profiles                                       staff
POST /grid/v1/roster-imports                                        staff
GET  /grid/v1/roster-imports                                        staff
GET  /grid/v1/roster-imports/<int:import_id>                        staff
GET  /grid/v1/roster-imports/<int:import_id>/report.xlsx            staff
POST /grid/v1/roster-exports                                        staff
POST /grid/v1/visit-exports                                         staff
GET  /grid/v1/list-exports                                          staff
GET  /grid/v1/list-exports/<int:export_id>                          staff
GET  /grid/v1/list-exports/<int:export_id>/list.xlsx                staff
GET  /grid/v1/export-profiles                                       staff
PUT  /desk/v1/export-profiles/<code>                                staff
PUT  /desk/v1/populations/<code>                                    staff
POST /desk/v1/groups/<code>/heads/end                                staff
GET  /miniprogram/v1/service-items                                 resident
GET  /miniprogram/v1/service-items/<code>                          resident
GET  /miniprogram/v1/service-orders                                resident
POST /miniprogram/v1/service-orders                                resident
GET  /miniprogram/v1/service-orders/<number>                       resident
GET  /grid/v1/service-items                                        staff
GET  /grid/v1/service-items/<code>                                 staff
GET  /grid/v1/service-orders                                       staff
POST /grid/v1/service-orders                                       staff
GET  /grid/v1/service-orders/<number>                              staff
GET  /desk/v1/service-items                                        staff
GET  /desk/v1/service-items/<code>                                 staff
GET  /desk/v1/service-orders                                       staff
POST /desk/v1/service-orders                                       staff
GET  /desk/v1/service-orders/<number>                              staff
POST /grid/v1/service-orders/<number>/taking                       staff
POST /grid/v1/service-orders/<number>/giving-back                  staff
POST /grid/v1/service-orders/<number>/contact                      staff
POST /grid/v1/service-orders/<number>/contacted                    staff
POST /grid/v1/service-orders/<number>/next-station                 staff
POST /grid/v1/service-orders/<number>/last-station                 staff
POST /grid/v1/service-orders/<number>/result                       staff
POST /desk/v1/service-orders/<number>/taking                       staff
POST /desk/v1/service-orders/<number>/giving-back                  staff
POST /desk/v1/service-orders/<number>/contact                      staff
POST /desk/v1/service-orders/<number>/contacted                    staff
POST /desk/v1/service-orders/<number>/next-station                 staff
POST /desk/v1/service-orders/<number>/last-station                 staff
POST /desk/v1/service-orders/<number>/result                       staff
GET  /grid/v1/service-orders/open                                  staff
GET  /grid/v1/service-orders/taken                                 staff
GET  /grid/v1/service-duties                                       staff
POST /grid/v1/service-duties                                       staff
POST /grid/v1/service-duties/<int:duty_id>/end                     staff
GET  /grid/v1/calls                                                staff
POST /grid/v1/calls                                                staff
GET  /grid/v1/talks                                                staff
POST /grid/v1/talks                                                staff
GET  /grid/v1/talks/<int:talk_id>                                  staff
POST /grid/v1/benefits                                             staff
GET  /miniprogram/v1/volunteer-orders                              resident
GET  /miniprogram/v1/volunteer-orders/taken                        resident
POST /miniprogram/v1/volunteer-orders/<number>/taking              resident
POST /miniprogram/v1/volunteer-orders/<number>/giving-back         resident
POST /miniprogram/v1/volunteer-orders/<number>/contact             resident
POST /miniprogram/v1/volunteer-orders/<number>/contacted           resident
POST /miniprogram/v1/volunteer-orders/<number>/result              resident
POST /desk/v1/service-items                                        staff
GET  /desk/v1/service-items/sheet.xlsx                             staff
GET  /desk/v1/proactive-lists                                      staff
POST /desk/v1/proactive-lists                                      staff
POST /desk/v1/proactive-lists/<int:list_id>/end                    staff
GET  /desk/v1/proactive-lists/<int:list_id>/counts                 staff
GET  /desk/v1/proactive-lists/<int:list_id>/residents              staff
POST /desk/v1/proactive-lists/<int:list_id>/orders                 staff
POST /desk/v1/proactive-lists/<int:list_id>/visits                 staff
POST /desk/v1/proactive-lists/<int:list_id>/slips                  staff
GET  /grid/v1/proactive-lists                                      staff
POST /grid/v1/proactive-lists                                      staff
POST /grid/v1/proactive-lists/<int:list_id>/end                    staff
GET  /grid/v1/proactive-lists/<int:list_id>/counts                 staff
GET  /grid/v1/proactive-lists/<int:list_id>/residents              staff
POST /grid/v1/proactive-lists/<int:list_id>/orders                 staff
POST /grid/v1/proactive-lists/<int:list_id>/slips                  staff
POST /grid/v1/proactive-lists/<int:list_id>/visits                 staff
GET  /desk/v1/service-duties                                       staff
POST /desk/v1/service-duties                                       staff
POST /desk/v1/service-duties/<int:duty_id>/end                     staff
POST /desk/v1/benefits                                             staff
"""
"""Method, path, and who may knock: `page` shows nothing of anybody, `anybody` proves itself in the body, the others by a token."""

TABLE = {(method, path): auth for method, path, auth in (row.split() for row in ROWS.splitlines() if row)}
GUARDED = [(method, path) for (method, path), auth in TABLE.items() if auth in ("staff", "resident", "unnamed_resident")]
OPEN = [(method, path) for (method, path), auth in TABLE.items() if auth == "anybody"]
DOORS = ("miniprogram", "grid", "desk")


def rules(app):
    """Every endpoint: (method, path) → the view."""
    found = {}
    for rule in app.url_map.iter_rules():
        for method in rule.methods - {"HEAD", "OPTIONS"}:
            found[method, rule.rule] = app.view_functions[rule.endpoint]
    return found


def test_every_endpoint_has_a_row_and_every_row_its_endpoint(app):
    assert set(rules(app)) == set(TABLE)


def test_every_endpoint_of_a_door_has_the_auth_that_is_written(app):
    built = {place: getattr(view, "_minhu_auth", "page") for place, view in rules(app).items()}
    assert built == TABLE


def test_every_view_has_a_sentence_and_every_answer_a_schema(app, client):
    for door in DOORS:
        contract = client.get(f"/{door}/v1/openapi.json").json
        for path, operations in contract["paths"].items():
            for method, operation in operations.items():
                if method == "parameters":
                    continue
                place = f"{method} {path}"
                assert operation.get("summary"), place
                good = {status: answer for status, answer in operation["responses"].items() if status.startswith("2")}
                assert good, place
                assert all(status == "204" or answer["content"] for status, answer in good.items()), place


def test_every_view_has_a_docstring(app):
    assert [place for place, view in rules(app).items() if not (view.__doc__ or "").strip()] == []


@pytest.fixture
def tokens(cast, clock) -> dict[str, str]:
    """Open sessions of a resident and of a member of staff, and the same revoked."""
    who = {ActorKind.RESIDENT: cast.residents["lin"].id, ActorKind.STAFF: cast.staff["zhou"].id}
    made = {kind.value: open_session(kind, ident, clock()) for kind, ident in who.items()}
    return made | {f"revoked {kind}": open_session(kind, ident, clock(), revoked=True) for kind, ident in who.items()}


@pytest.fixture
def knock(client):
    """Knocks at an endpoint with a token or none."""

    def call(method: str, path: str, token: str | None = None):
        address = re.sub(r"<int:\w+>", "1", path)
        address = re.sub(r"<uuid:\w+>", "00000000-0000-4000-8000-000000000001", address)
        address = re.sub(r"<\w+>", "2026112300000007", address)
        headers = {"Idempotency-Key": str(uuid4())} | ({"Authorization": f"Bearer {token}"} if token else {})
        return client.open(address, method=method, json={} if method != "GET" else None, headers=headers)

    return call


@pytest.mark.parametrize(("method", "path"), GUARDED)
def test_a_guarded_endpoint_opens_to_its_own_principal_alone(knock, tokens, method, path):
    mine, other = ("staff", "resident") if TABLE[method, path] == "staff" else ("resident", "staff")
    for token in (None, "made-up", tokens[f"revoked {mine}"], tokens[f"revoked {other}"]):
        answer = knock(method, path, token)
        assert (answer.status_code, answer.mimetype) == (401, "application/problem+json")
        assert answer.headers["WWW-Authenticate"] == "Bearer"
    wrong = knock(method, path, tokens[other])
    assert (wrong.status_code, wrong.json["code"]) == (403, "wrong_door")
    right = knock(method, path, tokens[mine])
    assert right.status_code not in (401, 405, 500)
    assert right.status_code < 300 or right.json["code"] != "wrong_door"


@pytest.mark.parametrize(("method", "path"), OPEN)
def test_an_open_endpoint_asks_for_no_token(knock, method, path):
    assert knock(method, path).status_code in (200, 404, 422)


@pytest.mark.parametrize("kind", ["Basic", "Bearer", ""])
def test_half_a_token_is_none(client, kind):
    assert client.get("/desk/v1/me", headers={"Authorization": kind}).status_code == 401
